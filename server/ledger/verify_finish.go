package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// finish judges what needs the whole Bundle.
func (v *verifier) finish() {
	if v.ledger == nil {
		if v.report.OK() {
			v.report.find(Malformed, "dossier", "", "it has no proofs")
		}
		return
	}
	v.frame()
	if v.ledger.summary != nil && !v.ledger.summarised {
		v.report.find(Missing, "summary", "", "the inventory lists it, the Bundle does not hold it")
	}
	v.absent()
	v.deletions()
	v.erasures()
	v.events()
	v.contents()
	v.histories()
	v.judgeSignatures()
}

// frame judges what stands around the entries.
func (v *verifier) frame() {
	l := v.ledger
	for name, want := range map[string]any{"type": "document", "timestamp": l.created, "identifier": identifierOf(l.caseRef, l.size)} {
		if text, _ := json.Marshal(want); v.members[name] != string(text) { // strings always marshal
			v.report.find(Changed, "dossier", "Bundle."+name, "it is %s, not %s", printable(v.members[name]), text)
		}
	}
	if sha256.Sum256(v.composition) != l.composition || v.urls[0] != l.base+"/Composition/"+compositionID {
		v.report.find(Changed, "dossier", "Composition", "its bytes or full URL are not what the inventory says")
	}
	v.national("dossier", "Composition", "composition", v.composition)
	if v.urls[1] != l.base+"/Binary/"+proofsID {
		v.report.find(Changed, "dossier", "Binary/"+proofsID, "its fullUrl is %q", printable(v.urls[1]))
	}
}

// absent names versions that were not met, and entries that nothing lists. One
// of each in the same place is one version whose identity was changed.
func (v *verifier) absent() {
	place := 2 // Composition and proofs come first
	if v.ledger.summary != nil {
		place++
	}
	for _, version := range v.ledger.versions {
		if version.deleted {
			continue
		}
		place++
		if v.ledger.seen[version.ref] {
			continue
		}
		if stranger, ok := v.strangers[place]; ok {
			delete(v.strangers, place)
			v.report.find(Changed, "version", version.ref, "in its place stands something that calls itself %s", printable(stranger))
			continue
		}
		v.report.find(Missing, "version", version.ref, "the inventory lists it, the Bundle does not hold it")
	}
	var places []int
	for p := range v.strangers {
		places = append(places, p)
	}
	slices.Sort(places)
	for _, p := range places {
		v.report.find(Inserted, "version", printable(v.strangers[p]), "entry %d of the Bundle is not in the inventory", p)
	}
}

// printable bounds what a hostile file can put into a report.
func printable(ref string) string {
	if len(ref) > 200 {
		ref = ref[:200]
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return '?'
		}
		return r
	}, ref), "?")
}

// deletions have no bytes in the Bundle: their leaf is recomputed from what the
// proof says.
func (v *verifier) deletions() {
	for _, version := range v.ledger.versions {
		if !version.deleted {
			continue
		}
		v.report.Versions++
		proof, ok := v.ledger.proofs[version.ref]
		if !ok {
			v.report.find(Missing, "version", version.ref, "its deletion has no proof")
			continue
		}
		row, err := rowOf(version.ref)
		at, terr := time.Parse("2006-01-02T15:04:05.000000Z", proof.Updated)
		row.Updated = at
		body := Tombstone(row)
		salt, okSalt := salt16(proof.Salt)
		v.national("version", version.ref, version.ref, body)
		if errors.Join(err, terr) != nil || sha256.Sum256(body) != version.digest || !okSalt || !v.included(proof, HashLeaf(salt, body)) {
			v.report.find(Changed, "version", version.ref, "time, salt, index or proof of its deletion do not lead to the checkpoint")
		}
	}
}

var errRef = errors.New("not a reference to a version")

// rowOf takes a version's ref apart.
func rowOf(ref string) (VersionRow, error) {
	part := strings.Split(ref, "/")
	if len(part) != 4 || part[2] != "_history" || part[0] == "" || part[1] == "" {
		return VersionRow{}, errRef
	}
	n, err := strconv.ParseInt(part[3], 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != part[3] {
		return VersionRow{}, errRef
	}
	return VersionRow{Type: part[0], ID: part[1], Version: n}, nil
}

// events judges the audit rows and their batches.
func (v *verifier) events() {
	batches := map[string]listed{}
	for _, b := range v.ledger.inventory.batches {
		batches[b.ref] = b
	}
	want := map[string][32]byte{}
	for _, e := range v.ledger.inventory.events {
		want[e.ref] = e.digest
	}
	for _, b := range v.ledger.batches {
		l, ok := batches[b.Ref]
		if !ok {
			v.report.find(Inserted, "audit", printable(b.Ref), "the inventory does not list it")
			continue
		}
		delete(batches, b.Ref)
		v.batch(b, l, want)
	}
	for _, b := range v.ledger.inventory.batches {
		if _, left := batches[b.ref]; left {
			v.report.find(Missing, "audit", b.ref, "the inventory lists it, the proofs do not hold it")
		}
	}
	for _, e := range v.ledger.inventory.events {
		if _, left := want[e.ref]; left {
			v.report.find(Missing, "event", e.ref, "the inventory lists it, the proofs do not hold it")
		}
	}
}

func (v *verifier) batch(b batchProof, l listed, want map[string][32]byte) {
	v.report.Batches++
	root, okRoot := hash32(b.Root)
	salt, okSalt := salt16(b.Salt)
	if !okRoot || !okSalt || b.Rows != l.rows || !v.included(b.leafProof, HashLeaf(salt, batchBody(b.Ref, b.Rows, root))) {
		v.report.find(Changed, "audit", b.Ref, "its rows' root, number, salt, index or proof do not lead to the checkpoint")
	}
	last := -1
	for _, e := range b.Events {
		ref := eventRef(b.Ref, e.Position)
		digest, ok := want[ref]
		if !ok {
			v.report.find(Inserted, "event", printable(ref), "the inventory does not list it, or it comes twice")
			continue
		}
		delete(want, ref)
		v.report.Events++
		if e.Position < last {
			v.report.find(Reordered, "event", ref, "it stands behind a later one")
		}
		last = max(last, e.Position)
		v.national("event", ref, ref, e.Row)
		salt, okSalt := salt16(e.Salt)
		path, okPath := hashes(e.Path)
		switch {
		case sha256.Sum256(e.Row) != digest:
			v.report.find(Changed, "event", ref, "its bytes are not what the inventory says")
		case !okSalt || !okPath || CheckInclusion(int64(e.Position), int64(b.Rows), HashLeaf(salt, e.Row), path, root) != nil:
			v.report.find(Changed, "event", ref, "salt, position or proof do not lead to its batch")
		}
	}
}

// embedded judges a content that travels in the Bundle.
func (v *verifier) embedded(e item, b *blobState) {
	ref := BlobRef(b.digest)
	if b.here || !b.listedBlob.embedded {
		v.report.find(Inserted, "blob", ref, "it is in the Bundle more often than the inventory says")
		return
	}
	b.here = true
	id := hex.EncodeToString(b.digest[:])
	data := e.resource.Field("data").Str()
	content, err := base64.StdEncoding.Strict().DecodeString(data)
	if err != nil || int64(len(content)) != b.size || sha256.Sum256(content) != b.digest {
		v.report.find(Changed, "blob", ref, "its content does not have this SHA-256 and the size %d", b.size)
		return
	}
	if e.resource.Len() != 4 || e.resource.Field("contentType").Str() != b.mediaType || e.doc.Field("fullUrl").Str() != v.ledger.base+"/Binary/"+id {
		v.report.find(Changed, "blob", ref, "media type, fullUrl or members of its Binary are not what the inventory says")
	}
	v.national("blob", ref, ref, content)
	v.report.Contents++
}

// contents judges every blob: its leaf, and its content where there is one.
func (v *verifier) contents() {
	apart := 0
	for _, l := range v.ledger.inventory.blobs {
		v.report.Blobs++
		ref := BlobRef(l.digest)
		proof, ok := v.ledger.proofs[ref]
		salt, okSalt := salt16(proof.Salt)
		switch {
		case !ok:
			v.report.find(Missing, "blob", ref, "it has no proof")
		case !okSalt || !v.included(proof, HashLeaf(salt, blobBody(BlobRow{Digest: l.digest, Size: l.size}))):
			v.report.find(Changed, "blob", ref, "size, salt, index or proof do not lead to the checkpoint")
		}
		switch b := v.ledger.blobs[hex.EncodeToString(l.digest[:])]; {
		case l.embedded && !b.here:
			v.report.find(Missing, "blob", ref, "the inventory lists its content, the Bundle does not hold it")
		case !l.embedded && v.options.Content != nil:
			v.apart(l, ref)
		case !l.embedded:
			apart++
		}
	}
	if apart > 0 {
		v.report.note("%d contents travel apart and were not read: give the folder that holds them", apart)
	}
}

func (v *verifier) apart(l listedBlob, ref string) {
	switch err := checkContent(v.ctx, v.nationalContent(l.digest, v.options.Content), l.digest, l.size); {
	case err == nil:
		v.report.Contents++
	case errors.Is(err, fs.ErrNotExist):
		v.report.find(Missing, "blob", ref, "its content is not there")
	default:
		v.report.find(Changed, "blob", ref, "%v", err)
	}
}

var errContent = errors.New("its content does not have this SHA-256 and size")

// checkContent reads a content to its end, and no further than it may be long.
func checkContent(ctx context.Context, open Content, digest [32]byte, size int64) (err error) {
	r, err := open(ctx, digest)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(r, size+1))
	if err == nil && (n != size || [32]byte(sum.Sum(nil)) != digest) {
		err = errContent
	}
	return err
}

// histories looks for gaps, where the dossier says that it has none.
func (v *verifier) histories() {
	if !v.ledger.whole {
		return
	}
	highest, count := map[string]int64{}, map[string]int64{}
	var names []string
	for _, version := range v.ledger.versions {
		row, err := rowOf(version.ref)
		if err != nil {
			v.report.find(Malformed, "version", printable(version.ref), "%v", err)
			continue
		}
		name := row.Type + "/" + row.ID
		if count[name] == 0 {
			names = append(names, name)
		}
		count[name]++
		highest[name] = max(highest[name], row.Version)
	}
	for _, x := range v.ledger.inventory.erased {
		if row, err := rowOf(x.ref); err == nil {
			name := row.Type + "/" + row.ID
			count[name]++
			highest[name] = max(highest[name], row.Version)
		}
	}
	for _, name := range names {
		if highest[name] != count[name] {
			v.report.find(Missing, "version", name, "%d of its %d versions are listed", count[name], highest[name])
		}
	}
}
