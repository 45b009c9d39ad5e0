/* The floor of fan-out: one send() per member and message, in C on epoll, with no rules, no framing and no memory.

     floor serve PORT BYTES             prints "ready"; the first connection speaks, the others listen
     floor load PORT BYTES MEMBERS RATE SECONDS   connects, prints "ready", waits for a line on its input, then speaks

   The load prints how many messages its members received in all. Nothing here is a peer's real server: it is what a
   server can't be cheaper than as long as it makes one write per member and message. */

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
#include <time.h>
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

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
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
    puts("ready");
    fflush(stdout);
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

static int connected(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = loopback(port);
    if (connect(fd, (struct sockaddr *)&at, sizeof at)) fail("connect");
    set_up(fd);
    return fd;
}

static void load(int port, int bytes, int count, double rate, double seconds) {
    static char message[BUFFER], input[BUFFER];
    long long received = 0;
    int epoll = epoll_create1(0), speaker = connected(port);
    struct epoll_event event = {.events = EPOLLIN}, events[EVENTS];
    for (int m = 0; m < count; m++) {
        event.data.fd = connected(port);
        epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
    }
    puts("ready");
    fflush(stdout);
    if (!fgets(input, sizeof input, stdin)) exit(1);
    double began = now();
    long sent = 0, due = (long)(rate * seconds);
    memset(message, 'm', bytes);
    while (now() < began + seconds + 0.5) {
        double next = began + sent / rate;
        if (sent < due && now() >= next) {
            if (write(speaker, message, bytes) != bytes) fail("write");
            sent++;
        }
        double wait = sent < due ? began + sent / rate - now() : 0.05;
        int ready = epoll_wait(epoll, events, EVENTS, wait > 0 ? (int)(wait * 1000) : 0);
        for (int i = 0; i < ready; i++) {
            ssize_t size = read(events[i].data.fd, input, sizeof input);
            if (size <= 0) fail("read");
            received += size;
        }
    }
    printf("%lld\n", received / bytes);
    fflush(stdout);
    while (fgets(input, sizeof input, stdin)) {} /* what the server cost is read before it ends with us */
}

int main(int argc, char **argv) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 4 && !strcmp(argv[1], "serve")) serve(atoi(argv[2]), atoi(argv[3]));
    if (argc == 7 && !strcmp(argv[1], "load")) {
        load(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atof(argv[5]), atof(argv[6]));
        return 0;
    }
    fputs("floor serve PORT BYTES | floor load PORT BYTES MEMBERS RATE SECONDS\n", stderr);
    return 2;
}
