// Package syslog sends messages of RFC 5424 to a collector over TLS, framed by
// octet counting (RFC 5425). It knows nothing of what the messages say.
//
// The protocol has no acknowledgement, so one is made of what TLS and TCP give: a
// group of messages has a connection of its own. After the last message the sender
// waits a moment in which the collector must stay, then ends its side
// (close_notify) and waits until the collector, having read up to there, ends the
// other by close_notify too, as RFC 5425 (4.4) demands: an end without it may be
// anybody's on the way. Only then is the group delivered; in every other case it is
// sent again, so a message may arrive twice and none is lost that the collector did
// not lose itself after reading it. An idle sender holds no connection.
package syslog
