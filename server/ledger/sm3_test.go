package ledger_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/mod/sumdb/note"

	"tenon/server/ledger"
)

// resealed changes the inventory and seals it anew with the log's own key: what is
// left to find the change is the digest itself.
func resealed(t *testing.T, w *world, text []byte, change func(string) string) []byte {
	t.Helper()
	return edit(t, text, func(e *edited) {
		inventory := change(e.proofs["inventory"].(string))
		seal, err := note.Sign(&note.Note{Text: fmt.Sprintf("tenon-dossier-seal/1\n%s\n%x\n", w.keys.Signer.Name(), sum([]byte(inventory)))}, w.keys.Signer)
		if err != nil {
			t.Fatal(err)
		}
		e.proofs["inventory"], e.proofs["seal"] = inventory, string(seal)
	})
}

// TestSM3 holds the second digest of everything in a dossier.
func TestSM3(t *testing.T) {
	w := newWorld(t)
	w.dossier.Summary = func(ledger.Facts) ([]byte, error) { return []byte("%PDF-1.7 for people"), nil }
	text := w.write()
	var lines []string
	edit(t, text, func(e *edited) {
		for line := range strings.Lines(e.proofs["inventory"].(string)) {
			if strings.HasPrefix(line, "sm3 ") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	})
	t.Run("everything has one, of the same bytes", func(t *testing.T) {
		if vector := sm3.Sum([]byte("abc")); hex.EncodeToString(vector[:]) != "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0" {
			t.Fatalf("SM3(abc) = %x: not that of GB/T 32905, example 1", vector)
		}
		row := w.store.Rows[w.row(d2)]
		if want := fmt.Sprintf("sm3 %s %x", d2, sm3.Sum(row.Body)); !strings.Contains(strings.Join(lines, "\n"), want) {
			t.Errorf("the inventory lacks %q", want)
		}
		r := verify(t, text, w.trust(), ledger.VerifyOptions{Content: w.content})
		if r.Exit() != 0 || r.SM3 != len(lines) || r.SM3 != 2+r.Versions+r.Events+r.Blobs {
			t.Errorf("%d lines, report %+v", len(lines), r)
		}
	})
	for _, line := range lines {
		name := strings.Fields(line)[1]
		kind := name[:strings.IndexAny(name+"/", "/-")]
		t.Run("a wrong one of "+kind+" "+name, func(t *testing.T) {
			r := verify(t, resealed(t, w, text, func(s string) string {
				return strings.Replace(s, line, line[:len(line)-1]+string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", line[len(line)-1])+1)%16]), 1)
			}), w.trust(), ledger.VerifyOptions{Content: w.content})
			if r.Exit() != 1 || len(r.Findings) != 1 || r.Findings[0].Kind != ledger.Changed || !strings.Contains(r.Findings[0].Text, "SM3") {
				t.Errorf("report:\n%v", r)
			}
		})
	}
	t.Run("one left out", func(t *testing.T) {
		r := verify(t, resealed(t, w, text, func(s string) string { return strings.Replace(s, lines[3]+"\n", "", 1) }), w.trust(), ledger.VerifyOptions{})
		findings(t, r, want("malformed", "dossier", ""))
	})
	t.Run("a dossier of before has none", func(t *testing.T) {
		r := verify(t, resealed(t, w, text, func(s string) string {
			s, _, _ = strings.Cut(s, "sm3 ")
			return strings.Replace(s, "tenon-inventory/2", "tenon-inventory/1", 1)
		}), w.trust(), ledger.VerifyOptions{Content: w.content})
		if r.Exit() != 0 || r.SM3 != 0 {
			t.Errorf("report:\n%v", r)
		}
	})
	t.Run("files that cannot be read", func(t *testing.T) {
		w.dossier.Content = nil
		for i := range w.dossier.Blobs {
			w.dossier.Blobs[i].Embed = false
		}
		if err := w.dossier.Write(t.Context(), io.Discard, w.store, w.keys); err == nil {
			t.Error("Write() without contents = nil")
		}
	})
}
