package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// The inventory of a dossier is a text that lists, one a line and in order, all
// that belongs to it. The log's key seals it, so that nothing can be left out,
// added or moved without breaking the seal, and what was is named.
//
//	tenon-inventory/2          (1: without the lines of SM3)
//	base http://localhost/fhir
//	case Task/x
//	at 2026-03-01T08:00:00.000000Z
//	log 4711 <root in hex>
//	histories whole
//	composition <SHA-256>
//	summary <SHA-256> <size>   the PDF for people, where there is one
//	version <ref> <SHA-256 of the bytes, of the tombstone for a deletion>
//	deleted <ref> <SHA-256 of the tombstone>
//	erased <ref> <hash of its leaf> <ref of the certificate>
//	batch <ref> <number of rows>
//	event <ref>#<position> <SHA-256 of the row>
//	blob <SHA-256> <size> apart
//	blob <SHA-256> <size> embedded <media type>
//	sm3 composition|summary|<ref>|sha-256/<blob> <SM3 of the same bytes>
const (
	inventoryFormat = "tenon-inventory/2"
	inventoryBefore = "tenon-inventory/1"
)

// inventory is the parsed text.
type inventory struct {
	base        string
	caseRef     string
	created     string
	size        int64
	root        [32]byte
	whole       bool
	composition [32]byte
	summary     *listedBlob
	versions    []listed // in the order of the bundle; deletions included
	erased      []listedErasure
	batches     []listed
	events      []listed
	blobs       []listedBlob
	sm3         map[string][32]byte // by name; nil: a dossier of before
}

type listed struct {
	ref     string
	digest  [32]byte
	deleted bool
	rows    int // of a batch
}

type listedErasure struct {
	ref         string
	leaf        [32]byte
	certificate string
}

type listedBlob struct {
	digest    [32]byte
	size      int64
	embedded  bool
	mediaType string // of an embedded one
}

func (v *inventory) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if v.sm3 == nil {
		line(inventoryBefore)
	} else {
		line(inventoryFormat)
	}
	line("base %s", v.base)
	line("case %s", v.caseRef)
	line("at %s", v.created)
	line("log %d %x", v.size, v.root)
	histories := "partial"
	if v.whole {
		histories = "whole"
	}
	line("histories %s", histories)
	line("composition %x", v.composition)
	if v.summary != nil {
		line("summary %x %d", v.summary.digest, v.summary.size)
	}
	for _, l := range v.versions {
		word := "version"
		if l.deleted {
			word = "deleted"
		}
		line("%s %s %x", word, l.ref, l.digest)
	}
	for _, l := range v.erased {
		line("erased %s %x %s", l.ref, l.leaf, l.certificate)
	}
	for _, l := range v.batches {
		line("batch %s %d", l.ref, l.rows)
	}
	for _, l := range v.events {
		line("event %s %x", l.ref, l.digest)
	}
	for _, l := range v.blobs {
		where := "apart"
		if l.embedded {
			where = "embedded " + l.mediaType
		}
		line("blob %x %d %s", l.digest, l.size, where)
	}
	if v.sm3 != nil {
		for _, name := range v.names() {
			line("%s %s %x", sm3Line, name, v.sm3[name])
		}
	}
	return b.String()
}

// parseInventory takes only what text would have written.
func parseInventory(text string) (*inventory, error) {
	v := &inventory{}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if err := v.line(i, strings.Split(line, " ")); err != nil {
			return nil, fmt.Errorf("inventory line %d: %w", i+1, err)
		}
	}
	if err := v.complete(); err != nil {
		return nil, err
	}
	if v.text() != text {
		return nil, errors.New("the inventory is not written as it must be")
	}
	return v, nil
}

var errLine = errors.New("not understood")

func (v *inventory) line(i int, word []string) (err error) {
	if i == 0 && len(word) == 1 && word[0] == inventoryFormat {
		v.sm3 = map[string][32]byte{}
		return nil
	}
	head := []string{inventoryBefore, "base", "case", "at", "log", "histories", "composition"}
	if i < len(head) {
		if word[0] != head[i] {
			return errLine
		}
		return v.headLine(word)
	}
	switch {
	case word[0] == "summary" && len(word) == 3 && v.summary == nil:
		v.summary = &listedBlob{embedded: true, mediaType: summaryType}
		if v.summary.digest, err = digestOf(word[1]); err == nil {
			v.summary.size, err = strconv.ParseInt(word[2], 10, 64)
		}
	case (word[0] == "version" || word[0] == "deleted") && len(word) == 3:
		l := listed{ref: word[1], deleted: word[0] == "deleted"}
		l.digest, err = digestOf(word[2])
		v.versions = append(v.versions, l)
	case word[0] == "erased" && len(word) == 4:
		l := listedErasure{ref: word[1], certificate: word[3]}
		l.leaf, err = digestOf(word[2])
		v.erased = append(v.erased, l)
	case word[0] == "batch" && len(word) == 3:
		l := listed{ref: word[1]}
		l.rows, err = strconv.Atoi(word[2])
		v.batches = append(v.batches, l)
	case word[0] == "event" && len(word) == 3:
		l := listed{ref: word[1]}
		l.digest, err = digestOf(word[2])
		v.events = append(v.events, l)
	case word[0] == "blob" && len(word) >= 4:
		l := listedBlob{embedded: word[3] == "embedded", mediaType: strings.Join(word[4:], " ")}
		if l.digest, err = digestOf(word[1]); err == nil {
			l.size, err = strconv.ParseInt(word[2], 10, 64)
		}
		v.blobs = append(v.blobs, l)
	case word[0] == sm3Line && len(word) == 3 && v.sm3 != nil:
		v.sm3[word[1]], err = digestOf(word[2])
	default:
		err = errLine
	}
	return err
}

func (v *inventory) headLine(word []string) (err error) {
	switch {
	case word[0] == inventoryBefore && len(word) == 1:
	case word[0] == "base" && len(word) == 2:
		v.base = word[1]
	case word[0] == "case" && len(word) == 2:
		v.caseRef = word[1]
	case word[0] == "at" && len(word) == 2:
		v.created = word[1]
	case word[0] == "log" && len(word) == 3:
		if v.size, err = strconv.ParseInt(word[1], 10, 64); err == nil {
			v.root, err = digestOf(word[2])
		}
	case word[0] == "histories" && len(word) == 2:
		v.whole = word[1] == "whole"
	case word[0] == "composition" && len(word) == 2:
		v.composition, err = digestOf(word[1])
	default:
		err = errLine
	}
	return err
}

// The seal is a signed note over the digest of the inventory. Its first line
// can be no origin of this log, so it never reads as a checkpoint, and no
// checkpoint reads as a seal.
const sealFormat = "tenon-dossier-seal/1"

func sealText(origin, inventory string) string {
	return fmt.Sprintf("%s\n%s\n%x\n", sealFormat, origin, sha256.Sum256([]byte(inventory)))
}

func sealInventory(by note.Signer, inventory string) (string, error) {
	signed, err := note.Sign(&note.Note{Text: sealText(by.Name(), inventory)}, by)
	return string(signed), err
}

func openSeal(seal, inventory string, by note.Verifier) error {
	if len(seal) > maxNote {
		return errors.New("the seal is too long")
	}
	n, err := note.Open([]byte(seal), note.VerifierList(by))
	if err != nil {
		return fmt.Errorf("the seal is not signed by the log's key %s: %w", by.Name(), err)
	}
	if n.Text != sealText(by.Name(), inventory) {
		return errors.New("the seal is over another inventory")
	}
	return nil
}
