package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// maxNote bounds a checkpoint: text, the log's signature and some witnesses'.
const maxNote = 16 << 10

// SignCheckpoint makes the signed note of a tree head. The log's origin is the
// signer's name. https://c2sp.org/tlog-checkpoint
func SignCheckpoint(by note.Signer, size int64, root [32]byte, at time.Time) (Checkpoint, error) {
	text := checkpointText(by.Name(), size, root)
	signed, err := note.Sign(&note.Note{Text: text}, by)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("ledger: sign checkpoint: %w", err)
	}
	return Checkpoint{Size: size, Root: root, At: at, Note: signed}, nil
}

// OpenCheckpoint checks the log's signature on a note and reads it. Signatures
// of others (witnesses) are ignored. At is left zero: a checkpoint's text has
// no time.
func OpenCheckpoint(signed []byte, by note.Verifier) (Checkpoint, error) {
	if len(signed) > maxNote {
		return Checkpoint{}, fmt.Errorf("checkpoint of %d bytes, at most %d", len(signed), maxNote)
	}
	n, err := note.Open(signed, note.VerifierList(by))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint is not signed by %s+%08x: %w", by.Name(), by.KeyHash(), err)
	}
	c, origin, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if origin != by.Name() {
		return Checkpoint{}, fmt.Errorf("checkpoint of origin %q, want %q", origin, by.Name())
	}
	c.Note = signed
	return c, nil
}

func checkpointText(origin string, size int64, root [32]byte) string {
	return origin + "\n" + strconv.FormatInt(size, 10) + "\n" + base64.StdEncoding.EncodeToString(root[:]) + "\n"
}

var errCheckpoint = errors.New("checkpoint needs three lines: origin, size, base64 root of 32 bytes")

// parseCheckpoint reads a note's text; only the one way to write it is taken.
func parseCheckpoint(text string) (c Checkpoint, origin string, err error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) != 4 || lines[0] == "" {
		return c, "", errCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return c, "", errCheckpoint
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != 32 {
		return c, "", errCheckpoint
	}
	c = Checkpoint{Size: size, Root: [32]byte(root)}
	if !strings.HasPrefix(text, checkpointText(lines[0], size, c.Root)) {
		return c, "", errCheckpoint
	}
	return c, lines[0], nil
}
