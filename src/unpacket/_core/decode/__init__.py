"""Frames to segments: link layer, tunnels, IP, fragments, TCP, checksums, copies."""
