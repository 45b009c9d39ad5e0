/* The floor of fan-out: one send() per member and message, in C on epoll, with no rules, no framing and no memory.

     floor PORT BYTES      the first connection speaks, in messages of so many bytes; the others are members

   It ends when the first connection does. Nothing here is a real server: it is what a server can't be cheaper than as
   long as it makes one write per member and message. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 20000, EVENTS = 256, BUFFER = 65536 };

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

static void set_up(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void serve(int port, int bytes) {
    static int members[MOST];
    static char message[BUFFER], input[BUFFER];
    int count = 0, speaker = -1, one = 1, held = 0, epoll = epoll_create1(0);
    int door = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = loopback(port);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(door, (struct sockaddr *)&at, sizeof at) || listen(door, 4096)) fail("listen");
    fcntl(door, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = door}, events[EVENTS];
    epoll_ctl(epoll, EPOLL_CTL_ADD, door, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == door) {
                for (int came; (came = accept(door, NULL, NULL)) >= 0;) {
                    set_up(came);
                    if (speaker >= 0) {
                        members[count++] = came;
                        continue;
                    }
                    speaker = came;
                    event.data.fd = came;
                    epoll_ctl(epoll, EPOLL_CTL_ADD, came, &event);
                }
                continue;
            }
            ssize_t size = read(fd, input, sizeof input);
            if (size <= 0) exit(0);
            for (ssize_t used = 0; used < size; used++) {
                message[held++] = input[used];
                if (held < bytes) continue;
                held = 0;
                for (int m = 0; m < count; m++)
                    if (send(members[m], message, bytes, MSG_NOSIGNAL) != bytes && errno != EAGAIN) exit(0);
            }
        }
    }
}

int main(int argc, char **argv) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 3) serve(atoi(argv[1]), atoi(argv[2]));
    fputs("floor PORT BYTES\n", stderr);
    return 2;
}
