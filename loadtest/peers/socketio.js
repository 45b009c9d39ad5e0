// One room on Socket.IO: node socketio.js NODE_MODULES PORT. What somebody would write who reads its documentation.
"use strict";
const [packages, port] = process.argv.slice(2);
const { createServer } = require("node:http");
const { Server } = require(`${packages}/socket.io`);

const http = createServer();
const io = new Server(http, { transports: ["websocket"], serveClient: false });

io.on("connection", (socket) => {
  if (socket.handshake.query.speaks) {
    socket.on("say", (said) => io.to("room").emit("say", said));
  } else {
    socket.join("room");
  }
});
http.listen({ host: "127.0.0.1", port: Number(port), backlog: 4096 });
