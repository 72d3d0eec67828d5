// A Google that nobody here wrote, on a free port of loopback. Its first line says where it is. Each line of input is
// then a command in JSON, answered by one line; it ends with its input.
//
//   {"seed": {…}}     adds people, OAuth clients, events and mails, as the emulator's seedFromConfig takes them
//   {"withdraw": ""}  gives back every token, as somebody does who takes an application's access away
//   {"grants": ""}    counts the refresh tokens that are still good
import { createInterface } from "node:readline";
import { createServer } from "@emulators/core";
import { googlePlugin, seedFromConfig } from "@emulators/google";
import { serve } from "@hono/node-server";

let peer;
const refreshTokens = () => peer.store.getData("google.oauth.refreshTokens") ?? new Map();

const commands = {
  seed: (config) => seedFromConfig(peer.store, peer.baseUrl, config),
  grants: () => refreshTokens().size,
  withdraw: async () => {
    for (const token of [...refreshTokens().keys(), ...peer.tokenMap.keys()]) {
      await peer.app.request("/oauth2/revoke", { method: "POST", body: new URLSearchParams({ token }) });
    }
  },
};

const say = (value) => console.log(JSON.stringify(value));
const http = serve({ fetch: (request) => peer.app.fetch(request), hostname: "127.0.0.1", port: 0 }, async ({ port }) => {
  peer = createServer(googlePlugin, { baseUrl: `http://127.0.0.1:${port}` });
  say(peer.baseUrl);
  for await (const line of createInterface({ input: process.stdin })) {
    const [[name, argument]] = Object.entries(JSON.parse(line));
    say((await commands[name](argument)) ?? "done");
  }
  http.close();
  http.closeAllConnections();
});
