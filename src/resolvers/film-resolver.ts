import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Film } from '../entities/film.js';
import type { Context } from './context.js';
import {
  CreateFilmInput,
  FilmConnectionType,
  FilmPayloadType,
  FilmSubscriptionsArgs,
  FilmsPayloadType,
  FilmType,
  QueryFilmsArgs,
  UpdateFilmInput,
} from './generated/schema-types.js';

@Resolver(() => FilmType)
export class FilmResolver {
  @Query(() => FilmType, { nullable: true })
  film(@Ctx() { loaders }: Context, @Arg('id', () => ID) id: string): Promise<Film | null> {
    return loaders.film.load(id);
  }

  @Query(() => FilmConnectionType)
  films(@Ctx() { services }: Context, @Args(() => QueryFilmsArgs) page: QueryFilmsArgs): unknown {
    return services.catalogue.films(page);
  }

  @FieldResolver()
  subscriptions(
    @Root() film: Film,
    @Ctx() { loaders }: Context,
    @Args(() => FilmSubscriptionsArgs) page: FilmSubscriptionsArgs,
  ): unknown {
    return loaders.subscriptionsOfFilm.load(film.id, page);
  }

  @FieldResolver()
  access(@Root() film: Film, @Ctx() { caller, loaders }: Context): unknown {
    return loaders.access(caller.userId).load(film.id);
  }

  @Mutation(() => FilmsPayloadType)
  createFilms(@Ctx() { services, actor }: Context, @Arg('input', () => [CreateFilmInput]) input: CreateFilmInput[]): unknown {
    return services.catalogueAdmin.createFilms(actor, input);
  }

  @Mutation(() => FilmPayloadType)
  updateFilm(@Ctx() { services, actor }: Context, @Arg('input', () => UpdateFilmInput) input: UpdateFilmInput): unknown {
    return services.catalogueAdmin.updateFilm(actor, input);
  }
}
