/* Follows every TCP stream of a capture with libnids, and counts what it delivers.
 *
 * libnids verifies checksums unless told not to: "verify" leaves it at that. */
#include <nids.h>
#include <stdio.h>
#include <string.h>

/* Room for the 50,000 connections that are alive at once: libnids refuses the next
 * one when its table of this size is three quarters full. */
#define CONNECTIONS 200000

static unsigned long long streams, callbacks, payload_bytes;

static void on_tcp(struct tcp_stream *stream, void **unused)
{
    (void)unused;
    if (stream->nids_state == NIDS_JUST_EST) {
        streams++;
        stream->client.collect++;
        stream->server.collect++;
    } else if (stream->nids_state == NIDS_DATA) {
        callbacks++;
        payload_bytes += stream->client.count_new;
        payload_bytes += stream->server.count_new;
    }
}

int main(int count, char **arguments)
{
    struct nids_chksum_ctl everybody = {0, 0, NIDS_DONT_CHKSUM, 0};

    if (count < 2) {
        fputs("usage: libnids_follow CAPTURE [verify]\n", stderr);
        return 2;
    }
    nids_params.filename = arguments[1];
    nids_params.n_tcp_streams = CONNECTIONS;
    nids_params.scan_num_hosts = 0; /* no search for port scans */
    if (!nids_init()) {
        fprintf(stderr, "%s\n", nids_errbuf);
        return 1;
    }
    if (count < 3 || strcmp(arguments[2], "verify") != 0)
        nids_register_chksum_ctl(&everybody, 1);
    nids_register_tcp(on_tcp);
    nids_run();
    printf("{\"streams\": %llu, \"callbacks\": %llu, \"bytes\": %llu}\n", streams,
           callbacks, payload_bytes);
    return 0;
}
