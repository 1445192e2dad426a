package app

import (
	"encoding/binary"
	"errors"
	"time"
)

// A message of the simple network time protocol.
// https://www.rfc-editor.org/rfc/rfc4330#section-4
const (
	ntpSize      = 48
	ntpClient    = 4<<3 | 3 // version 4, mode client
	ntpOriginate = 24
	ntpReceive   = 32
	ntpTransmit  = 40
	ntpEpoch     = 2208988800 // seconds from 1900 to 1970
)

func ntpRequest(at time.Time) []byte {
	m := make([]byte, ntpSize)
	m[0] = ntpClient
	binary.BigEndian.PutUint64(m[ntpTransmit:], ntpTime(at))
	return m
}

func ntpTime(t time.Time) uint64 {
	seconds := uint64(t.Unix() + ntpEpoch) //nolint:gosec // modulo 2^32 by the protocol
	return seconds<<32 | uint64(t.Nanosecond())<<32/1e9
}

// fromNTP takes the era that is nearest: the count begins anew in 2036.
func fromNTP(x uint64, near time.Time) time.Time {
	seconds := int64(x>>32) - ntpEpoch
	seconds += (near.Unix() - seconds + 1<<31) >> 32 << 32
	return time.Unix(seconds, int64((x&(1<<32-1))*1e9>>32)) //nolint:gosec // below 10^9
}

var errNTP = errors.New("no answer of a time server")

// ntpOffset is how far this clock is ahead of the server's. The answer must be to
// this question, from a server that is itself synchronised.
func ntpOffset(m []byte, sent, received time.Time) (time.Duration, error) {
	if len(m) < ntpSize {
		return 0, errNTP
	}
	mode, leap, stratum := m[0]&7, m[0]>>6, m[1]
	if mode != 4 || leap == 3 || stratum == 0 || stratum > 15 || binary.BigEndian.Uint64(m[ntpOriginate:]) != ntpTime(sent) {
		return 0, errNTP
	}
	transmit := binary.BigEndian.Uint64(m[ntpTransmit:])
	if transmit == 0 {
		return 0, errNTP
	}
	t2, t3 := fromNTP(binary.BigEndian.Uint64(m[ntpReceive:]), received), fromNTP(transmit, received)
	ahead := sent.Round(0).Sub(t2) + received.Round(0).Sub(t3)
	return ahead / 2, nil
}
