package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"tenon/server/ledger"
)

// mostExports is to how many exported trust files a dossier proves its
// consistency.
const mostExports = 64

// WriteTrust writes the trust file: the keys and the newest checkpoint, to be
// kept by somebody outside the server. Its size is noted, so that every later
// dossier proves that it extends what the file says.
func (a *App) WriteTrust(ctx context.Context, w io.Writer) error {
	if _, err := a.sequencer.Once(ctx); err != nil {
		return err
	}
	c, err := a.Store.Checkpoint(ctx)
	if err != nil {
		return err
	}
	if c != nil {
		if err := a.noteExport(c.Size); err != nil {
			return err
		}
	}
	return ledger.WriteTrust(w, a.trust(c))
}

// trust is what somebody outside keeps, at a state of the log: the keys, and who
// else vouches for it.
func (a *App) trust(c *ledger.Checkpoint) *ledger.Trust {
	t := a.keys.Trust(c)
	t.Roots, t.TSAs = a.outside.roots, a.outside.tsa
	witnesses, _ := a.Config.Anchoring.witnesses() // judged when the configuration was
	for _, w := range witnesses {
		t.Witnesses = append(t.Witnesses, w.key)
	}
	if c != nil {
		t.At = a.clock()
	}
	return t
}

func (a *App) exportsFile() string { return filepath.Join(a.Config.Data, "keys", "trust-exports") }

func (a *App) noteExport(size int64) error {
	f, err := os.OpenFile(a.exportsFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, size); err != nil {
		_ = f.Close()
		return err
	}
	return errors.Join(f.Sync(), f.Close(), syncDir(filepath.Dir(a.exportsFile())))
}

// exports are the sizes of the log in the trust files that were exported, newest
// last.
func (a *App) exports() []int64 {
	f, err := os.Open(a.exportsFile())
	if err != nil {
		return nil // none was exported
	}
	defer f.Close()
	var sizes []int64
	seen := map[int64]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if n, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil && n > 0 && !seen[n] {
			seen[n] = true
			sizes = append(sizes, n)
		}
	}
	return sizes[max(0, len(sizes)-mostExports):]
}

// VerifyDatabase judges the whole record and its files against a trust file and
// what a witness has seen.
func (a *App) VerifyDatabase(ctx context.Context, trust *ledger.Trust, seen ...[]byte) (*ledger.Report, error) {
	r, err := a.Store.Records(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	own := ""
	if a.keys != nil {
		own = a.keys.Public
	}
	return ledger.VerifyDatabase(ctx, r, trust, own, ledger.DatabaseOptions{Content: a.content, Clock: a.clock, Seen: seen})
}
