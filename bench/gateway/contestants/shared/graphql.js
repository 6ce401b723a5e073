/** How a GraphQL server is asked for a scenario. */
export function graphqlRequest(scenario, subject) {
  return { method: 'POST', path: '/graphql', body: JSON.stringify(scenario.operation(subject)) };
}
