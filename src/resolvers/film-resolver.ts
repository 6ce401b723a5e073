import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Film } from '../entities/film.js';
import type { Context } from './context.js';
import { FilmsArgs, ShortPageArgs } from './page-args.js';
import { FilmPayload, FilmsPayload } from './types/admin-payloads.js';
import { CreateFilmInput, UpdateFilmInput } from './types/catalogue-inputs.js';
import { FilmConnectionType, FilmType } from './types/film.js';
import { SubscriptionConnectionType } from './types/subscription.js';

@Resolver(() => FilmType)
export class FilmResolver {
  @Query(() => FilmType, { nullable: true })
  film(@Ctx() { loaders }: Context, @Arg('id', () => ID) id: string): Promise<Film | null> {
    return loaders.film.load(id);
  }

  @Query(() => FilmConnectionType)
  films(@Ctx() { services }: Context, @Args(() => FilmsArgs) page: FilmsArgs): unknown {
    return services.catalogue.films(page);
  }

  @FieldResolver(() => SubscriptionConnectionType)
  subscriptions(@Root() film: Film, @Ctx() { loaders }: Context, @Args(() => ShortPageArgs) page: ShortPageArgs): unknown {
    return loaders.subscriptionsOfFilm.load(film.id, page);
  }

  @FieldResolver()
  access(@Root() film: Film, @Ctx() { caller, loaders }: Context): unknown {
    return loaders.access(caller.userId).load(film.id);
  }

  @Mutation(() => FilmsPayload)
  createFilms(@Ctx() { services }: Context, @Arg('input', () => [CreateFilmInput]) input: CreateFilmInput[]): unknown {
    return services.catalogueAdmin.createFilms(input);
  }

  @Mutation(() => FilmPayload)
  updateFilm(@Ctx() { services }: Context, @Arg('input', () => UpdateFilmInput) input: UpdateFilmInput): unknown {
    return services.catalogueAdmin.updateFilm(input);
  }
}
