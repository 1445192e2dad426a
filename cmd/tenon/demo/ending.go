package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tenon/server/ledger"
)

// ending exports the dossier, verifies it offline with the trust file that was
// written before the case began, and makes the graded export for the
// manufacturer.
func (s *story) ending() {
	s.tell.chapter("", "What remains", "档案")
	root := s.read(s.clin, s.course.root)
	if str(root, "status") != "completed" {
		stop(fmt.Errorf("the case is %s after S19", str(root, "status")))
	}
	s.tell.line("", s.clin, "case %s is %s", str(root, "groupIdentifier", "value"), str(root, "status"))
	a := s.web.expect(200, request{as: s.clin, method: "GET", path: "/fhir/" + s.course.root + "/$dossier"})
	s.verifyDossier(a.body)
	s.keep(a.body)
	s.export()
	s.evaluate()
	s.seen.Completed = s.course.done
}

// verifyDossier does what `tenon verify --trust FILE DOSSIER` does: it needs no
// server. Then one byte is changed, and it is refused.
func (s *story) verifyDossier(dossier []byte) {
	trust, err := ledger.ReadTrust(bytes.NewReader(s.trust))
	must(err)
	r, err := ledger.VerifyDossier(context.WithoutCancel(s.ctx), bytes.NewReader(dossier), trust, ledger.VerifyOptions{Content: s.apart})
	must(err)
	if r.Exit() != 0 || r.Contents != r.Blobs {
		stop(fmt.Errorf("the dossier of %d bytes is refused:\n%s", len(dossier), r))
	}
	s.seen.Signed = r.Signed
	s.tell.note("", "dossier of %d bytes verified offline: %s", len(dossier), bytes.TrimSpace([]byte(r.String())))
	changed := bytes.Replace(dossier, []byte(s.figures.number), []byte("C-forged"[:len(s.figures.number)]), 1)
	r, err = ledger.VerifyDossier(context.WithoutCancel(s.ctx), bytes.NewReader(changed), trust, ledger.VerifyOptions{})
	must(err)
	if r.OK() || bytes.Equal(changed, dossier) {
		stop(fmt.Errorf("a changed dossier is verified:\n%s", r))
	}
	s.tell.note("", "the same with the case number forged: %s", r.Findings[0])
}

// apart finds a content that is too large to travel inside the dossier; the folder
// of `tenon verify --files` in real life.
func (s *story) apart(_ context.Context, digest [32]byte) (io.ReadCloser, error) {
	for _, content := range s.contents {
		if sha256.Sum256(content) == digest {
			return io.NopCloser(bytes.NewReader(content)), nil
		}
	}
	return nil, fs.ErrNotExist
}

// keep writes dossier, trust file and the contents that travel apart where --keep
// asks for it, and tells how to verify them.
func (s *story) keep(dossier []byte) {
	if s.o.Keep == "" {
		return
	}
	at := func(name string) string { return filepath.Join(s.o.Keep, name) }
	must(os.MkdirAll(at("files"), 0o700))
	must(os.WriteFile(at("dossier.json"), dossier, 0o600))
	must(os.WriteFile(at("trust.json"), s.trust, 0o600))
	for _, content := range s.contents {
		if len(content) > ledger.EmbedLimit {
			must(os.WriteFile(at(filepath.Join("files", sha(content))), content, 0o600))
		}
	}
	s.tell.note("", "verify it again: bin/tenon verify --trust %s --files %s %s", at("trust.json"), at("files"), at("dossier.json"))
	s.tell.note("", "the whole record: bin/tenon verify --trust %s --data %s", at("trust.json"), s.o.Keep)
}
