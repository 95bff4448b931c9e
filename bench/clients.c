/* Thousands of readers of event streams in one process, for the benchmarks (bench/clients.py speaks to it).
 *
 *     clients PORT
 *
 * One command a line on stdin, one answer a line on stdout. Times are seconds of CLOCK_MONOTONIC.
 *
 *     request LINE|LINE|...      what the connections that follow send; `|` is a line end     -> ok
 *     receive BYTES              their receive buffer; they are "shy" then. 0: the system's     -> ok
 *     open N AT_ONCE EVENTS S    N more; each is ready with its head and so many events         -> opened N SECONDS
 *     mark                       forget what was counted                                        -> ok
 *     wait events|bytes K S      until all readers have K since the mark, S seconds at most
 *                                     -> reached READERS_THAT_HAVE READERS MEDIAN P99 LAST (when they got the last)
 *     count                      since the mark                                                 -> counted EVENTS BYTES
 *     stop, resume               the shy ones read no more, or again                            -> ok
 *     latencies                  of events since the mark, by their `timestamp`, shy ones left out
 *                                     -> latencies COUNT MEDIAN P99 LARGEST (ms)
 *     close KEEP                 all but the first KEEP                                         -> ok
 *     lost                       connections that ended by themselves or were refused          -> lost N
 *
 * An event is a line that begins with "id: ": comments and heartbeats have none. */
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

#define TAIL 4            /* one less than the mark of an event, so that a mark cut in two is found once */
#define SLOTS 600000      /* latencies up to a minute, in tenths of a millisecond */
#define STAMP "\"timestamp\":"

struct reader {
    int fd, shy, ready, tail_length;
    char tail[TAIL];
    long all_events, events, bytes;
    double last_at;
};

static struct reader *readers;
static int reader_count, capacity, epoll, port, receive_bytes, stopped, lost, unready, ready_events;
static char request[8192], buffer[TAIL + 262144];
static unsigned slots[SLOTS];
static long latency_count;

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void watch(int operation, struct reader *reader) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (unsigned)(reader - readers) + 1};
    epoll_ctl(epoll, operation, reader->fd, &event);
}

static void end(struct reader *reader) {
    close(reader->fd);
    reader->fd = -1;
    lost++;
    if (!reader->ready) unready--;
}

static void note_latency(const char *stamp, const char *limit, double now) {
    if (stamp + sizeof STAMP - 1 + 14 > limit) return; /* cut in two: one sample less */
    double late = now * 1e4 - strtod(stamp + sizeof STAMP - 1, NULL) * 10;
    slots[late < 0 ? 0 : late >= SLOTS ? SLOTS - 1 : (int)late]++;
    latency_count++;
}

static void scan(struct reader *reader, char *from, char *limit) {
    double now = seconds(CLOCK_REALTIME);
    for (char *at = from; (at = memmem(at, limit - at, "\nid: ", 5)) != NULL;) {
        at += 5;
        reader->all_events++;
        reader->events++;
        if (reader->shy) continue;
        /* Most have their data before the id, some libraries behind it. */
        char *behind = at - (sizeof "}\nid: " - 1) - 13 - (sizeof STAMP - 1);
        char *stamp = behind >= from && !memcmp(behind, STAMP, sizeof STAMP - 1)
            ? behind : memmem(at, limit - at, STAMP, sizeof STAMP - 1);
        if (stamp) note_latency(stamp, limit, now);
    }
}

static void take(struct reader *reader) {
    ssize_t got = read(reader->fd, buffer + TAIL, sizeof buffer - TAIL);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    int first = reader->bytes == 0 && !reader->ready && reader->all_events == 0 && reader->tail_length == 0;
    if (got <= 0 || (first && (got < 12 || memcmp(buffer + TAIL + 9, "200", 3)))) {
        end(reader);
        return;
    }
    char *from = buffer + TAIL - reader->tail_length, *limit = buffer + TAIL + got;
    memcpy(from, reader->tail, reader->tail_length);
    reader->bytes += got;
    scan(reader, from, limit);
    reader->last_at = seconds(CLOCK_MONOTONIC);
    reader->tail_length = limit - from < TAIL ? (int)(limit - from) : TAIL;
    memcpy(reader->tail, limit - reader->tail_length, reader->tail_length);
    if (!reader->ready && reader->all_events >= ready_events) {
        reader->ready = 1;
        unready--;
    }
}

/* Read what there is; true if a command waits. */
static int turn(int with_commands, int milliseconds) {
    static struct epoll_event events[512];
    int command = 0, count = epoll_wait(epoll, events, 512, milliseconds);
    for (int i = 0; i < count; i++)
        if (events[i].data.u32 == 0) command = 1;
        else if (readers[events[i].data.u32 - 1].fd >= 0) take(&readers[events[i].data.u32 - 1]);
    if (command && !with_commands && count == 1) usleep(200);
    return command;
}

static void connect_one(void) {
    if (reader_count == capacity) readers = realloc(readers, (capacity = capacity * 2 + 1024) * sizeof *readers);
    struct reader *reader = &readers[reader_count++];
    *reader = (struct reader){.fd = socket(AF_INET, SOCK_STREAM, 0), .shy = receive_bytes > 0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (receive_bytes) setsockopt(reader->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    unready++;
    if (reader->fd < 0 || connect(reader->fd, (struct sockaddr *)&address, sizeof address) ||
        write(reader->fd, request, strlen(request)) < 0) {
        perror("connect");
        end(reader);
        return;
    }
    fcntl(reader->fd, F_SETFL, O_NONBLOCK);
    watch(EPOLL_CTL_ADD, reader);
}

static void open_all(int count, int at_once, int events, double limit) {
    double started = seconds(CLOCK_MONOTONIC);
    int lost_before = lost, opened = 0;
    ready_events = events;
    while ((opened < count || unready) && seconds(CLOCK_MONOTONIC) < started + limit) {
        for (; opened < count && unready < at_once; opened++) connect_one();
        turn(0, 100);
    }
    printf("opened %d %.6f\n", count - unready - (lost - lost_before), seconds(CLOCK_MONOTONIC) - started);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int is_reading(const struct reader *reader) { return reader->fd >= 0 && !(reader->shy && stopped); }

static void wait_for(int is_bytes, long target, double limit) {
    double deadline = seconds(CLOCK_MONOTONIC) + limit, *times = malloc((reader_count + 1) * sizeof *times);
    int behind, reading, reached;
    do {
        behind = reading = reached = 0;
        for (int i = 0; i < reader_count; i++) {
            if (!is_reading(&readers[i])) continue;
            reading++;
            if ((is_bytes ? readers[i].bytes : readers[i].events) < target) behind++;
            else times[reached++] = readers[i].last_at;
        }
    } while (behind && seconds(CLOCK_MONOTONIC) < deadline && (turn(0, 100), 1));
    qsort(times, reached, sizeof *times, ascending);
    if (!reached) times[reached++] = 0;
    printf("reached %d %d %.6f %.6f %.6f\n", reading - behind, reading, times[reached / 2],
           times[(int)(reached * 0.99)], times[reached - 1]);
    free(times);
}

static void mark(void) {
    for (int i = 0; i < reader_count; i++) readers[i].events = readers[i].bytes = 0;
    memset(slots, 0, sizeof slots);
    latency_count = 0;
}

static void print_count(void) {
    long events = 0, bytes = 0;
    for (int i = 0; i < reader_count; i++) events += readers[i].events, bytes += readers[i].bytes;
    printf("counted %ld %ld\n", events, bytes);
}

static double quantile(double share) {
    long seen = 0;
    for (int i = 0; i < SLOTS; i++)
        if ((seen += slots[i]) > share * (latency_count - 1)) return i / 10.0;
    return 0;
}

static void stop(int flag) {
    stopped = flag;
    for (int i = 0; i < reader_count; i++)
        if (readers[i].shy && readers[i].fd >= 0) watch(flag ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, &readers[i]);
}

static void close_all(int keep) {
    for (int i = keep; i < reader_count; i++)
        if (readers[i].fd >= 0) close(readers[i].fd);
    if (keep < reader_count) reader_count = keep;
    unready = 0;
}

static void obey(char *line) {
    int count, at_once, events;
    long target;
    double limit;
    char what[8];
    if (!strncmp(line, "request ", 8)) {
        char *end_of_request = request;
        for (char *at = line + 8; *at && *at != '\n'; at++)
            end_of_request += *at == '|' ? sprintf(end_of_request, "\r\n") : sprintf(end_of_request, "%c", *at);
        strcpy(end_of_request, "\r\n\r\n");
        puts("ok");
    } else if (sscanf(line, "receive %d", &receive_bytes) == 1) puts("ok");
    else if (sscanf(line, "open %d %d %d %lf", &count, &at_once, &events, &limit) == 4)
        open_all(count, at_once, events, limit);
    else if (!strncmp(line, "mark", 4)) mark(), puts("ok");
    else if (sscanf(line, "wait %7s %ld %lf", what, &target, &limit) == 3) wait_for(what[0] == 'b', target, limit);
    else if (!strncmp(line, "count", 5)) print_count();
    else if (!strncmp(line, "stop", 4)) stop(1), puts("ok");
    else if (!strncmp(line, "resume", 6)) stop(0), puts("ok");
    else if (!strncmp(line, "latencies", 9))
        printf("latencies %ld %.1f %.1f %.1f\n", latency_count, quantile(0.5), quantile(0.99), quantile(1));
    else if (sscanf(line, "close %d", &count) == 1) close_all(count), puts("ok");
    else if (!strncmp(line, "lost", 4)) printf("lost %d\n", lost);
    else puts("unknown");
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 2) return fprintf(stderr, "clients PORT\n"), 2;
    port = atoi(argv[1]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    epoll = epoll_create1(0);
    struct epoll_event input = {.events = EPOLLIN, .data.u32 = 0};
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    char line[8192];
    for (;;)
        if (turn(1, -1)) {
            ssize_t got = read(STDIN_FILENO, line, sizeof line - 1);
            if (got <= 0) return 0;
            line[got] = 0;
            obey(line);
        }
}
