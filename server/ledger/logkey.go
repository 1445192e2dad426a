package ledger

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// LogKey is the public key of a log, as somebody outside keeps it.
type LogKey struct {
	v note.Verifier
}

// ParseLogKey reads a verifier key of a signed note: origin+hash+base64.
func ParseLogKey(vkey string) (*LogKey, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("ledger: %q is no public key of a log", printable(vkey))
	}
	return &LogKey{v}, nil
}

// Origin is the log's name.
func (k *LogKey) Origin() string { return k.v.Name() }

// Open checks the log's signature on a checkpoint.
func (k *LogKey) Open(signed []byte) (Checkpoint, error) { return OpenCheckpoint(signed, k.v) }

// Text is what the log signed.
func (k *LogKey) Text(c Checkpoint) string { return checkpointText(k.v.Name(), c.Size, c.Root) }

// OriginOf is the origin that a checkpoint claims, unchecked.
func OriginOf(signed []byte) string {
	origin, _, _ := strings.Cut(string(signed[:min(len(signed), maxNote)]), "\n")
	return origin
}

// maxPath bounds a consistency proof: two paths of a tree of 2^63 leaves.
const maxPath = 63 * 2

// AddCheckpoint is what a log sends to a witness.
// https://c2sp.org/tlog-witness
type AddCheckpoint struct {
	Old  int64 // size that the witness has seen last
	Path [][32]byte
	Note []byte
}

// Encode gives the body of the request.
func (a *AddCheckpoint) Encode() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "old %d\n", a.Old)
	for _, h := range a.Path {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(a.Note)
	return []byte(b.String())
}

// ParseAddCheckpoint reads the body of the request.
func ParseAddCheckpoint(body []byte) (*AddCheckpoint, error) {
	head, signed, ok := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	old, found := strings.CutPrefix(lines[0], "old ")
	size, err := strconv.ParseInt(old, 10, 64)
	if !ok || !found || err != nil || size < 0 || strconv.FormatInt(size, 10) != old || len(lines)-1 > maxPath || len(signed) > maxNote {
		return nil, fmt.Errorf("ledger: the body is not: old size, proof, empty line, checkpoint")
	}
	a := &AddCheckpoint{Old: size, Note: []byte(signed)}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != 32 {
			return nil, fmt.Errorf("ledger: a line of the proof is no hash in base64")
		}
		a.Path = append(a.Path, [32]byte(h))
	}
	return a, nil
}
