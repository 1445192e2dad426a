package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tenon/server/app"
	"tenon/server/ledger"
)

type verify struct {
	app.Config `embed:""`
	Trust      string `help:"Trust file, kept outside the server; without it the answer is 'self-consistent only' and exit code 3." type:"path"`
	Seen       string `help:"Checkpoint that a witness keeps (GET /checkpoint of tenon witness): the record must not contradict it." type:"path"`
	Summary    string `help:"File to write the dossier's PDF for people to, once its seal fits." type:"path"`
	Files      string `help:"Folder with contents that travelled beside the dossier, named by their SHA-256." type:"path"`
	Dossier    string `arg:"" optional:"" help:"Dossier to verify; without it the database and the files of --data are verified." type:"path"`
}

// Run verifies offline; its exit code says what was found.
func (v *verify) Run(ctx context.Context, out io.Writer) error {
	var trust *ledger.Trust
	if v.Trust != "" {
		f, err := os.Open(v.Trust)
		if err != nil {
			return err
		}
		defer f.Close()
		if trust, err = ledger.ReadTrust(f); err != nil {
			return err
		}
	}
	var seen [][]byte
	if v.Seen != "" {
		text, err := os.ReadFile(v.Seen)
		if err != nil {
			return err
		}
		seen = append(seen, text)
	}
	report, err := v.judge(ctx, trust, seen)
	if err != nil {
		return err
	}
	fmt.Fprint(out, report)
	if v.Summary != "" {
		if report.Summary == nil || !report.OK() {
			return errors.New("summary: the dossier holds none that it vouches for")
		}
		if err := os.WriteFile(v.Summary, report.Summary, 0o600); err != nil {
			return err
		}
	}
	switch report.Exit() {
	case 0:
		return nil
	case exitUnanchored:
		return coded{errors.New("self-consistent only: give --trust to judge it against keys kept outside the server"), exitUnanchored}
	}
	return errors.New("the record does not hold")
}

func (v *verify) judge(ctx context.Context, trust *ledger.Trust, seen [][]byte) (*ledger.Report, error) {
	if v.Dossier == "" {
		a, err := app.OpenToVerify(ctx, v.Config)
		if err != nil {
			return nil, err
		}
		defer a.Close()
		return a.VerifyDatabase(ctx, trust, seen...)
	}
	f, err := os.Open(v.Dossier)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	o := ledger.VerifyOptions{Seen: seen}
	if v.Files != "" {
		o.Content = func(_ context.Context, digest [32]byte) (io.ReadCloser, error) {
			return os.Open(filepath.Join(v.Files, hex.EncodeToString(digest[:])))
		}
	}
	return ledger.VerifyDossier(ctx, f, trust, o)
}
