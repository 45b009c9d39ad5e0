// One room on ws: node ws.js NODE_MODULES PORT. What somebody would write who reads its documentation.
"use strict";
const [packages, port] = process.argv.slice(2);
const { WebSocket, WebSocketServer } = require(`${packages}/ws`);

const members = new Set();
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port), backlog: 4096 });

server.on("connection", (socket, request) => {
  socket.on("error", () => socket.terminate());
  if (request.url === "/speak") {
    socket.on("message", (said, binary) => {
      for (const member of members) {
        if (member.readyState === WebSocket.OPEN) member.send(said, { binary });
      }
    });
    return;
  }
  members.add(socket);
  socket.on("close", () => members.delete(socket));
});
