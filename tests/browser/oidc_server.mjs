// A real OpenID Connect server on loopback, for one client: node oidc_server.mjs PORT REDIRECT_URI
// Whoever types a name is that person; the password is not looked at.
import { Provider } from "oidc-provider";

const [port, redirectUri] = process.argv.slice(2);
const server = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "quilt",
      client_secret: "a secret for the tests only",
      redirect_uris: [redirectUri],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  scopes: ["openid", "email"],
  pkce: { required: () => true },
  cookies: { keys: ["for the tests only"] },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: true }),
  }),
});
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));
