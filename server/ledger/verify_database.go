package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// DatabaseOptions of VerifyDatabase; the zero value works.
type DatabaseOptions struct {
	Content Content          // nil: contents are not read
	Clock   func() time.Time // nil: time.Now
	Late    time.Duration    // how long a leaf may wait for its index; 0: 10 s
	// Seen are checkpoints that a witness kept, as it wrote them.
	Seen [][]byte
}

// rowsPerTurn is how many rows are held and looked up at once, and bytesPerTurn
// how much of their bodies.
const (
	rowsPerTurn  = 500
	bytesPerTurn = 16 << 20
)

// VerifyDatabase recomputes the log from its leaves and every leaf from its
// row. In one walk over the log it rebuilds the tree and asks for each leaf
// whether its row is there; in one walk over the rows it recomputes each leaf
// and looks it up. Two sums under a random key prove that both walks saw the
// same leaves, and two more that the signatures of the Provenances are those by
// which gates are judged. Memory does not grow with the database.
//
// With a nil trust, key is the public key of the server's own keys, and the
// report says that this proves consistency only.
func VerifyDatabase(ctx context.Context, records Records, trust *Trust, key string, o DatabaseOptions) (*Report, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Late <= 0 {
		o.Late = 10 * time.Second
	}
	if trust != nil {
		key = trust.LogKey
	}
	by, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("ledger: verify: the log key: %w", err)
	}
	d := &database{ctx: ctx, records: records, options: o, began: o.Clock(), key: by, report: &Report{Trusted: trust != nil, Origin: by.Name()}}
	if _, err := rand.Read(d.secret[:]); err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		d.loadErasures, func() error { return d.loadSeen(by, trust) }, func() error { return d.walkLog(by, trust) }, d.walkVersions, d.walkSignatures, d.walkBatches, d.walkBlobs, d.walkWaiting, d.judgeErasures,
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("ledger: verify: %w", err)
		}
	}
	if d.report.OK() && d.log != d.rows {
		d.report.find(Changed, "log", "", "the leaves found by reference are not those of the log: the index of the database is damaged or forged")
	}
	return d.report, nil
}

// database is the state of one verification.
type database struct {
	ctx     context.Context
	records Records
	options DatabaseOptions
	report  *Report
	began   time.Time // what is young is so by now, however long the walks take
	size    int64
	key     note.Verifier

	secret    [32]byte
	signed    sum // over signatures, as their Provenances say
	log, rows sum // over versions and audit batches, which have one leaf each

	erased map[string]*erasure // by ref
	seen   map[int64][]seen    // by size of the log
}

// sum adds up leaves without regard to order. Under a secret key nobody can
// choose two sets with one sum.
type sum [4]uint64

func (s *sum) add(key [32]byte, e Entry) {
	m := hmac.New(sha256.New, key[:])
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(e.Index))) //nolint:gosec // compared only
	m.Write(e.Hash[:])
	m.Write([]byte(e.Ref))
	h := m.Sum(nil)
	for i := range s {
		s[i] += binary.BigEndian.Uint64(h[i*8:])
	}
}
