//! poll and epoll: levels and edges.
