/* The yardstick: an event server that does nothing but send(). One thread, one epoll, a loop over the sockets.
 *
 *     send_loop PORT
 *
 * GET /events is a stream, POST /publish sends its body to every stream, any other GET is answered and empty. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 65536 /* file descriptors */
#define ROOM 16384 /* for a request, its body included */

static int streams[MOST], stream_count, place_of[MOST]; /* place + 1 of a descriptor's stream, 0: no stream */
static char *pending[MOST];                             /* what came of a request that isn't whole */
static int pending_length[MOST], epoll;

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n: hi\n\n";
static const char EMPTY[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

static void end(int fd) {
    if (place_of[fd]) {
        int last = streams[--stream_count], place = place_of[fd] - 1;
        streams[place] = last;
        place_of[last] = place + 1;
        place_of[fd] = 0;
    }
    free(pending[fd]);
    pending[fd] = NULL;
    close(fd);
}

static void say(int fd, const char *text, size_t length) {
    /* A full buffer loses the event: this server has no memory. */
    if (send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;
}

static void answer(int fd, char *text, int length) {
    char *body = memmem(text, length, "\r\n\r\n", 4);
    if (!body) return;
    body += 4;
    char *field = strcasestr(text, "\r\nContent-Length:");
    int wanted = field && field < body ? atoi(field + 17) : 0;
    if (length - (body - text) < wanted) return;
    if (!strncmp(text, "GET /events", 11)) {
        place_of[fd] = stream_count + 1;
        streams[stream_count++] = fd;
        say(fd, HEAD, sizeof HEAD - 1);
        free(pending[fd]); /* a stream costs nothing but its socket */
        pending[fd] = NULL;
        return;
    }
    if (!strncmp(text, "POST /publish", 13))
        for (int i = 0; i < stream_count; i++) say(streams[i], body, wanted);
    say(fd, EMPTY, sizeof EMPTY - 1);
    pending_length[fd] = 0;
}

static void hear(int fd) {
    if (!pending[fd]) pending[fd] = malloc(ROOM), pending_length[fd] = 0;
    ssize_t got = read(fd, pending[fd] + pending_length[fd], ROOM - 1 - pending_length[fd]);
    if (got <= 0) {
        end(fd);
        return;
    }
    pending_length[fd] += got;
    pending[fd][pending_length[fd]] = 0;
    if (!place_of[fd]) answer(fd, pending[fd], pending_length[fd]);
}

static void welcome(int listener) {
    int fd = accept(listener, NULL, NULL), on = 1;
    if (fd < 0) return;
    if (fd >= MOST) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* as all the others do */
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv) {
    if (argc != 2) return fprintf(stderr, "send_loop PORT\n"), 2;
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 2048))
        return perror("send_loop"), 1;
    epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;)
        for (int i = 0, count = epoll_wait(epoll, events, 512, -1); i < count; i++)
            if (events[i].data.fd == listener) welcome(listener);
            else hear(events[i].data.fd);
}
