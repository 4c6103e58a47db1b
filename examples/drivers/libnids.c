/* Says what libnids makes of a capture, as `unpacket compare --tool` wants it.
 *
 *     gcc -O2 examples/drivers/libnids.c -o libnids -lnids -lpcap -lnet -lglib-2.0
 *     unpacket compare capture.pcap --tool libnids=./libnids
 */
#include <arpa/inet.h>
#include <nids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sent {
    unsigned char *bytes;
    size_t count;
};

struct followed {
    struct tuple4 ends;
    struct sent by[2]; /* the client and the server */
    struct followed *next;
};

static struct followed *first, **last = &first;

static void append(struct sent *sent, const struct half_stream *receiver)
{
    size_t more = receiver->count_new;

    if (!more)
        return;
    sent->bytes = realloc(sent->bytes, sent->count + more);
    if (!sent->bytes)
        abort();
    memcpy(sent->bytes + sent->count, receiver->data, more);
    sent->count += more;
}

static void on_tcp(struct tcp_stream *stream, void **mine)
{
    struct followed *followed = *mine;

    if (stream->nids_state == NIDS_JUST_EST) {
        followed = calloc(1, sizeof *followed);
        if (!followed)
            abort();
        followed->ends = stream->addr;
        *last = followed;
        last = &followed->next;
        *mine = followed;
        stream->client.collect++;
        stream->server.collect++;
    } else if (stream->nids_state == NIDS_DATA && followed) {
        /* What has come to the server is what the client sent. */
        append(&followed->by[0], &stream->server);
        append(&followed->by[1], &stream->client);
    }
}

/* What it would write to the system's log. */
static void keep_quiet(int type, int number, struct ip *packet, void *data)
{
    (void)type, (void)number, (void)packet, (void)data;
}

static void print_end(const char *name, unsigned int address, int port)
{
    struct in_addr binary = {.s_addr = address};

    printf("\"%s\":\"%s:%d\",", name, inet_ntoa(binary), port);
}

static void print(const struct tuple4 *ends, const struct sent *sent, int by_client)
{
    putchar('{');
    print_end(by_client ? "source" : "target", ends->saddr, ends->source);
    print_end(by_client ? "target" : "source", ends->daddr, ends->dest);
    fputs("\"hex\":\"", stdout);
    for (size_t i = 0; i < sent->count; i++)
        printf("%02x", sent->bytes[i]);
    puts("\"}");
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fputs("usage: libnids CAPTURE\n", stderr);
        return 2;
    }
    nids_params.filename = arguments[1];
    nids_params.scan_num_hosts = 0; /* no search for port scans */
    nids_params.syslog = keep_quiet;
    if (!nids_init()) {
        fprintf(stderr, "%s\n", nids_errbuf);
        return 1;
    }
    nids_register_tcp(on_tcp);
    nids_run();
    for (struct followed *one = first; one; one = one->next) {
        print(&one->ends, &one->by[0], 1);
        print(&one->ends, &one->by[1], 0);
    }
    return 0;
}
