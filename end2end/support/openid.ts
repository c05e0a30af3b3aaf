import { generateKeyPairSync, randomUUID } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

import Provider, { interactionPolicy } from "oidc-provider";

/** The tenant that the server stands for. */
const TENANT = "6f1d4a52-7a0e-4c0f-9b56-1f2a3c4d5e6f";

/**
 * A certified OpenID Connect server (the npm package oidc-provider) at the addresses that Entra has. It was written by
 * others, so it judges our half of the sign-in: PKCE, state, nonce, redirect address, the app's proof.
 */
export class OpenId {
  readonly tenant = TENANT;
  readonly clientId = randomUUID();
  readonly clientSecret = `${randomUUID()}~${randomUUID()}`;
  /** Error codes of the server's own, as it refused. */
  readonly refusals: string[] = [];

  private constructor(
    readonly origin: string,
    private readonly server: Server,
  ) {}

  /** Listens on a free port; `redirectUri` is what the app registration would hold. */
  static async start(redirectUri: string): Promise<OpenId> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const made = new OpenId(`http://127.0.0.1:${port}`, server);
    made.serve(redirectUri);
    return made;
  }

  private serve(redirectUri: string): void {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const policy = interactionPolicy.base();
    // Entra lets people choose an account; this server knows no such prompt by itself
    policy.add(new interactionPolicy.Prompt({ name: "select_account", requestable: true }), 0);
    const provider = new Provider(`${this.origin}/${TENANT}/v2.0`, {
      clients: [
        {
          client_id: this.clientId,
          client_secret: this.clientSecret,
          redirect_uris: [redirectUri],
          grant_types: ["authorization_code", "refresh_token", "client_credentials"],
          token_endpoint_auth_method: "client_secret_post",
        },
      ],
      jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "signing", use: "sig", alg: "RS256" }] },
      routes: { authorization: "/oauth2/v2.0/authorize", token: "/oauth2/v2.0/token", jwks: "/discovery/v2.0/keys" },
      cookies: { keys: [randomUUID()] },
      features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true } },
      interactions: { policy, url: (_: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
      // Entra tells who it is about in the id token
      conformIdTokenClaims: false,
      claims: { openid: ["sub", "tid", "oid"], profile: ["name", "preferred_username"] },
      issueRefreshToken: async () => true,
      ttl: Object.fromEntries(
        ["AccessToken", "ClientCredentials", "Grant", "IdToken", "Interaction", "RefreshToken", "Session"].map((what) => [what, 600]),
      ),
      findAccount: async (_: unknown, id: string) => ({
        accountId: id,
        claims: async () => ({
          sub: id,
          oid: id,
          tid: TENANT,
          name: "Ira Independent",
          preferred_username: "ira@independent.example",
        }),
      }),
    });
    provider.on("grant.error", (_: unknown, error: { error: string; error_detail?: string }) => {
      this.refusals.push(`${error.error}: ${error.error_detail ?? ""}`);
    });
    const answer = provider.callback();
    this.server.on("request", (request: IncomingMessage & { originalUrl?: string }, response: ServerResponse) => {
      const url = request.url ?? "/";
      if (url.startsWith("/interaction/")) {
        this.interaction(provider, request, response).catch((error) => response.writeHead(500).end(String(error)));
        return;
      }
      // the issuer's path is not part of the server's own routes
      request.originalUrl = url;
      request.url = url.replace(new RegExp(`^/${TENANT}(/v2\\.0(?=/))?`), "");
      void answer(request, response);
    });
  }

  /** The page on which a person agrees; its buttons are links, since nothing of it is ours to test. */
  private async interaction(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const details = await provider.interactionDetails(request, response);
    const here = new URL(request.url ?? "/", this.origin);
    if (here.searchParams.has("deny")) {
      const result = { error: "access_denied", error_description: "the person declined" };
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
      return;
    }
    if (!here.searchParams.has("go")) {
      const page = `<!doctype html><html lang="en"><title>Sign in</title><main><h1>Sign in</h1>
        <p><a href="${here.pathname}?go">Go on as Ira Independent</a></p><p><a href="${here.pathname}?deny">Decline</a></p></main>`;
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
      return;
    }
    const accountId = "0d0e7a52-0000-4000-8000-00000000abcd";
    const grant = new provider.Grant({ accountId, clientId: details.params.client_id as string });
    grant.addOIDCScope("openid profile offline_access");
    const result = { select_account: {}, login: { accountId }, consent: { grantId: await grant.save() } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((done) => this.server.close(() => done()));
  }
}
