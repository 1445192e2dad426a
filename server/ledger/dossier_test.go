package ledger_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"tenon/server/ledger"
)

func TestDossier(t *testing.T) {
	w := newWorld(t)
	text := w.write()
	t.Run("R000-002 R001-141 verified offline against the trust file", func(t *testing.T) {
		r := verify(t, text, w.trust(), ledger.VerifyOptions{Content: w.content})
		if !r.OK() || r.Exit() != 0 {
			t.Fatalf("report:\n%v", r)
		}
		if r.Versions != 9 || r.Batches != 2 || r.Events != 4 || r.Blobs != 2 || r.Contents != 2 || r.Signed != 1 || r.Case != "Task/root" {
			t.Errorf("report: %+v", r)
		}
	})
	t.Run("without trust it says self-consistent only", func(t *testing.T) {
		r := verify(t, text, nil, ledger.VerifyOptions{})
		if !r.OK() || r.Exit() != 3 || !strings.Contains(r.String(), "self-consistent only") {
			t.Errorf("Exit() = %d, report:\n%v", r.Exit(), r)
		}
	})
	t.Run("a FHIR document with every byte as stored", func(t *testing.T) { checkDocument(t, w, text) })
	t.Run("other people's audit stays hidden", func(t *testing.T) {
		shown, _ := base64.StdEncoding.DecodeString(dataOf(t, text))
		for _, i := range []string{"0", "2", "3", "5"} { // of audit/2, in plain or base64
			row := []byte(`{"operation":"read","entity":"Task/root/` + i + `","principal":"PractitionerRole/p` + i + `"}`)
			if i != "0" && (bytes.Contains(shown, row) || bytes.Contains(shown, []byte(base64.StdEncoding.EncodeToString(row)))) {
				t.Errorf("row %s is in the dossier", i)
			}
		}
	})
	t.Run("a slow reader", func(t *testing.T) {
		r, err := ledger.VerifyDossier(t.Context(), iotest.OneByteReader(bytes.NewReader(text)), w.trust(), ledger.VerifyOptions{})
		if err != nil || !r.OK() {
			t.Errorf("VerifyDossier() = %v, %v", r, err)
		}
		broken := errors.New("disk")
		_, err = ledger.VerifyDossier(t.Context(), io.MultiReader(bytes.NewReader(text[:5000]), iotest.ErrReader(broken)), w.trust(), ledger.VerifyOptions{})
		if !errors.Is(err, broken) {
			t.Errorf("VerifyDossier() of a reader that fails = %v", err)
		}
	})
}

func dataOf(t *testing.T, text []byte) string {
	t.Helper()
	var b struct {
		Entry []struct {
			Resource struct{ Data string }
		}
	}
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	return b.Entry[1].Resource.Data
}

// checkDocument holds the Bundle against R4's rules for documents, and every
// entry against the stored bytes.
func checkDocument(t *testing.T, w *world, text []byte) {
	var b struct {
		ResourceType, Type, Timestamp string
		Identifier                    struct{ System, Value string }
		Entry                         []struct {
			FullURL  string
			Resource json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if b.ResourceType != "Bundle" || b.Type != "document" || b.Timestamp == "" || b.Identifier.System == "" || b.Identifier.Value == "" {
		t.Errorf("Bundle %+v breaks bdl-9 or bdl-10", b)
	}
	var first struct {
		ResourceType, Status, Date, Title string
		Author                            []any
		Type                              map[string]any
		Section                           []struct{ Entry []struct{ Reference string } }
	}
	if err := json.Unmarshal(b.Entry[0].Resource, &first); err != nil || first.ResourceType != "Composition" ||
		first.Status != "final" || first.Date == "" || first.Title == "" || len(first.Author) == 0 || first.Type == nil {
		t.Errorf("Composition %+v, %v (bdl-11)", first, err)
	}
	if got, want := len(first.Section[0].Entry), 8; got != want || first.Section[0].Entry[3].Reference != "DocumentReference/d/_history/2" {
		t.Errorf("section of %d entries, want %d", got, want)
	}
	seen := map[string]bool{}
	for _, e := range b.Entry { // bdl-7
		var r struct {
			Meta struct{ VersionID string }
		}
		if err := json.Unmarshal(e.Resource, &r); err != nil || seen[e.FullURL+"|"+r.Meta.VersionID] || strings.Contains(e.FullURL, "_history") {
			t.Errorf("fullUrl %s twice, or of a version (bdl-8)", e.FullURL)
		}
		seen[e.FullURL+"|"+r.Meta.VersionID] = true
	}
	i := 2
	for _, v := range w.dossier.Versions {
		if v.Deleted {
			continue
		}
		if got, want := b.Entry[i].Resource, bytes.TrimSpace(v.Body); !bytes.Equal(got, want) || !bytes.Contains(text, v.Body) {
			t.Errorf("entry %d is\n%s, want\n%s", i, got, want)
		}
		i++
	}
}

func TestDossierRefusesToProveWhatIsNotSo(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		want   error
	}{
		"not sequenced": {func(w *world) {
			v := version("Task", "root", 3, "")
			w.store.Put(context.Background(), now, v)
			w.dossier.Versions = append(w.dossier.Versions, v)
		}, ledger.ErrUnsequenced},
		"changed in the database": {func(w *world) { w.dossier.Versions[2].Body = body("DocumentReference", "d", 1, `,"description":"2"`) }, nil},
		"changed audit":           {func(w *world) { w.dossier.Audit[1].Rows[2] = []byte(`{}`) }, nil},
		"version twice":           {func(w *world) { w.dossier.Versions = append(w.dossier.Versions, w.dossier.Versions[0]) }, nil},
		"row that is not there":   {func(w *world) { w.dossier.Audit[1].Positions = []int{7} }, nil},
		"embedded content gone":   {func(w *world) { clear(w.contents) }, nil},
		"embedded content changed": {func(w *world) {
			for d := range w.contents {
				w.contents[d] = []byte("x")
			}
		}, nil},
		"too large to embed":     {func(w *world) { w.dossier.Blobs[0].Size = ledger.EmbedLimit + 1 }, nil},
		"reference of two lines": {func(w *world) { w.dossier.Versions[0].ID = "a\nversion" }, nil},
		"size of a blob":         {func(w *world) { w.dossier.Blobs[1].Size++ }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			err := w.dossier.Write(t.Context(), io.Discard, w.store, w.keys)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("Write() = %v, want %v", err, c.want)
			}
		})
	}
}

func TestDossierOfAnEmptyCase(t *testing.T) {
	w := newWorld(t)
	w.dossier = &ledger.Dossier{Case: "Task/root", Base: "http://localhost/fhir", Created: now, Versions: w.dossier.Versions[:1], Since: []int64{w.early.Size}}
	if r := verify(t, w.write(), w.trust(), ledger.VerifyOptions{}); !r.OK() {
		t.Errorf("report:\n%v", r)
	}
}

func TestDossierAtEverySize(t *testing.T) {
	w := newWorld(t)
	for n := range 20 { // the log grows, the same case is exported again
		w.store.Put(t.Context(), now, version("Patient", "later"+string(rune('a'+n)), 1, ""))
		w.sequence()
		r := verify(t, w.write(), w.trust(), ledger.VerifyOptions{})
		if !r.OK() || r.Size != w.store.Last.Size {
			t.Fatalf("at %d leaves:\n%v", w.store.Last.Size, r)
		}
	}
}
