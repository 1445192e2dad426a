package ledger_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tenon/server/ledger"
	"tenon/server/ledger/ledgertest"
)

func TestSequencerRefusesAForeignState(t *testing.T) {
	for name, forge := range map[string]func(*ledgertest.Memory){
		"note of another key": func(m *ledgertest.Memory) {
			other := ledgertest.NewSequencer(t, m)
			c, err := ledger.SignCheckpoint(other.Signer, m.Last.Size, m.Last.Root, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			m.Last = &c
		},
		"size beside the note": func(m *ledgertest.Memory) { m.Last.Size-- },
		"root beside the note": func(m *ledgertest.Memory) { m.Last.Root[0] ^= 1 },
		"a stored node":        func(m *ledgertest.Memory) { m.Tree[[2]uint64{2, 0}] = [32]byte{} },
		"a missing node":       func(m *ledgertest.Memory) { delete(m.Tree, [2]uint64{2, 0}) },
	} {
		t.Run(name, func(t *testing.T) {
			m := ledgertest.NewMemory()
			q := ledgertest.NewSequencer(t, m)
			for n := range 5 {
				_ = m.Add(t.Context(), ledgertest.Leaf(n))
			}
			if _, err := q.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			_ = m.Add(t.Context(), ledgertest.Leaf(5))
			forge(m)
			if n, err := q.Once(t.Context()); err == nil {
				t.Errorf("Once() = %d, nil: the log was signed on", n)
			}
		})
	}
}

func TestSequencerRuns(t *testing.T) {
	m := ledgertest.NewMemory()
	q := ledgertest.NewSequencer(t, m)
	signed := make(chan ledger.Checkpoint, 8)
	q.Every, q.Signed = time.Millisecond, func(c ledger.Checkpoint) { signed <- c }
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { q.Run(ctx); close(done) }()
	for n := range 3 {
		_ = m.Add(t.Context(), ledgertest.Leaf(n))
		if c := <-signed; c.Size != int64(n+1) {
			t.Errorf("checkpoint of %d leaves, want %d", c.Size, n+1)
		}
	}
	stop()
	<-done
}

func TestOpenCheckpoint(t *testing.T) {
	q := ledgertest.NewSequencer(t, nil)
	sign := func(text string) []byte {
		signed, err := note.Sign(&note.Note{Text: text}, q.Signer)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	const root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
	origin := q.Signer.Name()
	for name, c := range map[string]struct {
		text string
		want int64 // -1: refused
	}{
		"three lines":       {origin + "\n20852163\n" + root + "\n", 20852163},
		"extension line":    {origin + "\n7\n" + root + "\nmore\n", 7},
		"empty tree":        {origin + "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", 0},
		"other origin":      {"tenon.test/other\n7\n" + root + "\n", -1},
		"leading zero":      {origin + "\n07\n" + root + "\n", -1},
		"plus":              {origin + "\n+7\n" + root + "\n", -1},
		"negative":          {origin + "\n-7\n" + root + "\n", -1},
		"beyond 63 bits":    {origin + "\n9223372036854775808\n" + root + "\n", -1},
		"short root":        {origin + "\n7\nCsUYapGG\n", -1},
		"loose base64 tail": {origin + "\n7\n" + strings.Replace(root, "2I=", "2J=", 1) + "\n", -1},
		"two lines":         {origin + "\n7\n", -1},
		"a dossier's seal":  {"tenon-dossier/1\n" + origin + "\n7\n" + root + "\n", -1},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ledger.OpenCheckpoint(sign(c.text), q.Verifier)
			if (err == nil) != (c.want >= 0) || err == nil && got.Size != c.want {
				t.Errorf("OpenCheckpoint(%q) = %v, %v, want size %d", c.text, got.Size, err, c.want)
			}
		})
	}
	t.Run("changed byte", func(t *testing.T) {
		signed := sign(origin + "\n7\n" + root + "\n")
		for i := range signed {
			forged := append([]byte(nil), signed...)
			forged[i] ^= 1
			if got, err := ledger.OpenCheckpoint(forged, q.Verifier); err == nil && (got.Size != 7 || i < len(signed)-100) {
				t.Errorf("byte %d changed: OpenCheckpoint() = %+v, nil", i, got)
			}
		}
	})
}

func TestCheckpointExample(t *testing.T) {
	// The example of https://c2sp.org/tlog-checkpoint has a key that is not
	// published; its form is what we must be able to read once it is signed.
	const text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	private, public, err := note.GenerateKey(nil, "example.com/behind-the-sofa")
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := note.NewSigner(private)
	verifier, _ := note.NewVerifier(public)
	c, err := ledger.SignCheckpoint(signer, 20852163, [32]byte{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	signed, _ := note.Sign(&note.Note{Text: text}, signer)
	read, err := ledger.OpenCheckpoint(signed, verifier)
	if err != nil || read.Size != 20852163 {
		t.Errorf("OpenCheckpoint(example) = %+v, %v", read, err)
	}
	again, err := ledger.SignCheckpoint(signer, read.Size, read.Root, time.Time{})
	if err != nil || string(again.Note) != string(signed) || string(c.Note) == string(signed) {
		t.Errorf("SignCheckpoint() = %q, want %q", again.Note, signed)
	}
}
