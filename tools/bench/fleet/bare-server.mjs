/** What any server over `ws` needs at least: counts a message from each of its peers, then answers all of them. */
import { WebSocketServer } from "ws";

const { peers, answerBytes } = JSON.parse(process.argv[2]);
const answer = Buffer.alloc(answerBytes);
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
let messages = 0;

const answerAll = () => {
  for (const client of server.clients) client.send(answer);
};
server.on("connection", (socket) => {
  socket.on("message", () => {
    messages += 1;
    if (messages % peers === 0) answerAll();
  });
  if (server.clients.size === peers) answerAll();
});
server.on("listening", () =>
  process.send({ kind: "listening", url: `ws://127.0.0.1:${server.address().port}` }),
);
process.on("disconnect", () => process.exit(0));
