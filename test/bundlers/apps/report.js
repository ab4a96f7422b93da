/** What an app answers, or why it does not, on one line. */
export async function report(app) {
  try {
    return `report ${JSON.stringify(await app())}`
  } catch (error) {
    return `report ${JSON.stringify({ error: `${error.name} ${error.code}: ${error.message}` })}`
  }
}
