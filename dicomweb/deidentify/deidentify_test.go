package deidentify_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/dicomweb/deidentify"
	"tenon/dicomweb/dicom"
	"tenon/dicomweb/sample"
)

var key = deidentify.Key(bytes.Repeat([]byte("k"), 32))

func apply(t testing.TB, b []byte, o deidentify.Options) ([]byte, *deidentify.Report, *dicom.File) {
	t.Helper()
	if o.Key == nil {
		o.Key = key
	}
	var out bytes.Buffer
	report, err := deidentify.Apply(&out, bytes.NewReader(b), o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := dicom.Read(bytes.NewReader(out.Bytes()), dicom.Options{})
	if err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	return out.Bytes(), report, f
}

func series(patient string) *sample.Series {
	return sample.New(sample.Options{Seed: 3, Slices: 2, Rows: 16, Columns: 16, PatientID: patient, PatientName: "Secret^Name", BirthDate: "19610713",
		Sex: "F", Accession: "ACC-SECRET", Acquired: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)})
}

func TestBasicProfile(t *testing.T) {
	in := series("MRN-SECRET").Slice(0)
	before, err := dicom.Read(bytes.NewReader(in), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, report, f := apply(t, in, deidentify.Options{})
	t.Run("R004-041 the basic profile of PS3.15", func(t *testing.T) { basic(t, in, before, out, report, f) })
}

func basic(t *testing.T, in []byte, before *dicom.File, out []byte, report *deidentify.Report, f *dicom.File) {
	secrets := []string{"Secret^Name", "MRN-SECRET", "19610713", "ACC-SECRET", "20260304",
		before.String(dicom.StudyInstanceUID), before.String(dicom.SeriesInstanceUID), before.String(dicom.SOPInstanceUID)}
	for _, s := range secrets {
		if bytes.Contains(out, []byte(s)) {
			t.Errorf("the result holds %q", s)
		}
	}
	for tag, want := range map[dicom.Tag]string{dicom.PatientID: report.Pseudonym, 0x00120062: "YES", 0x00280303: "REMOVED", 0x00100040: "",
		dicom.SOPInstanceUID: key.UID(before.String(dicom.SOPInstanceUID)), dicom.SOPClassUID: before.String(dicom.SOPClassUID), 0x00080060: "CT"} {
		if got := f.String(tag); got != want {
			t.Errorf("%v = %q, want %q", tag, got, want)
		}
	}
	if f.String(dicom.MediaSOPInstance) != f.String(dicom.SOPInstanceUID) {
		t.Error("the file meta information names another instance")
	}
	if !bytes.Equal(in[before.Pixels.Offset:before.Pixels.Offset+before.Pixels.Length], out[f.Pixels.Offset:f.Pixels.Offset+f.Pixels.Length]) {
		t.Error("the pixels are not those of the original")
	}
	for i := 1; i < len(f.Elements); i++ { // PS3.5 §7.1
		if a, b := f.Elements[i-1], f.Elements[i]; a.Next == int32(i) && b.Tag != dicom.ItemTag && a.Tag != dicom.ItemTag && b.Tag <= a.Tag && int(b.Tag>>16) > 0x12 {
			t.Errorf("%v stands behind %v", b.Tag, a.Tag)
		}
	}
}

func TestConsistent(t *testing.T) {
	s := series("MRN-SECRET")
	_, _, a := apply(t, s.Slice(0), deidentify.Options{})
	_, _, b := apply(t, s.Slice(1), deidentify.Options{})
	for _, tag := range []dicom.Tag{dicom.StudyInstanceUID, dicom.SeriesInstanceUID, 0x00200052, dicom.PatientID} {
		if a.String(tag) != b.String(tag) || a.String(tag) == "" {
			t.Errorf("%v of two slices = %q and %q, want one", tag, a.String(tag), b.String(tag))
		}
	}
	if a.String(dicom.SOPInstanceUID) == b.String(dicom.SOPInstanceUID) {
		t.Error("two instances got one UID")
	}
	_, _, other := apply(t, s.Slice(0), deidentify.Options{Key: bytes.Repeat([]byte("q"), 32)})
	if other.String(dicom.StudyInstanceUID) == a.String(dicom.StudyInstanceUID) || other.String(dicom.PatientID) == a.String(dicom.PatientID) {
		t.Error("another key gives the same replacements")
	}
}

func TestOptions(t *testing.T) {
	in := series("MRN-SECRET").Slice(0)
	before, _ := dicom.Read(bytes.NewReader(in), dicom.Options{})
	const studyDate, sex dicom.Tag = 0x00080020, 0x00100040
	for _, c := range []struct {
		retain deidentify.Option
		tag    dicom.Tag
		want   string
	}{
		{deidentify.FullDates, studyDate, before.String(studyDate)},
		{deidentify.ModifiedDates, studyDate, deidentify.ShiftDate(before.String(studyDate), key.Shift("MRN-SECRET"))},
		{0, studyDate, ""},
		{deidentify.Patient, sex, "F"},
		{deidentify.UIDs, dicom.SOPInstanceUID, before.String(dicom.SOPInstanceUID)},
		{deidentify.ModifiedDates, 0x00280303, "MODIFIED"},
	} {
		if _, _, f := apply(t, in, deidentify.Options{Retain: c.retain}); f.String(c.tag) != c.want {
			t.Errorf("with options %06b %v = %q, want %q", c.retain, c.tag, f.String(c.tag), c.want)
		}
	}
	var out bytes.Buffer
	if _, err := deidentify.Apply(&out, bytes.NewReader(in), deidentify.Options{Key: key[:31]}); err == nil {
		t.Error("a short key is taken")
	}
	if _, err := deidentify.Apply(&out, bytes.NewReader(in), deidentify.Options{Key: key, Retain: deidentify.FullDates | deidentify.ModifiedDates}); err == nil {
		t.Error("dates both full and modified are taken")
	}
}

// TestShift: the time between two dates of a patient stays; who has the key
// finds the true date.
func TestShift(t *testing.T) {
	days := key.Shift("P")
	if days < 1 || days > 3650 || days != key.Shift("P") {
		t.Errorf("Shift() = %d", days)
	}
	for _, v := range []string{"20260304", "20240229", "20260304050607.1+0800"} {
		got := deidentify.ShiftDate(v, days)
		at, err := time.Parse("20060102", got[:8])
		if err != nil || at.AddDate(0, 0, days).Format("20060102")+got[8:] != v {
			t.Errorf("ShiftDate(%s, %d) = %s, which does not lead back", v, days, got)
		}
	}
	for _, v := range []string{"", "2026", "20261399", "yesterday"} {
		if got := deidentify.ShiftDate(v, days); got != "" {
			t.Errorf("ShiftDate(%q) = %q, want nothing", v, got)
		}
	}
}

// TestCorpus de-identifies all that the test data hold: dcmtk reads each result,
// no private element and no name of the original is in it.
func TestCorpus(t *testing.T) {
	root := os.Getenv("TENON_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "testdata")
	}
	files, _ := filepath.Glob(filepath.Join(root, "dicom", "*", "*.dcm"))
	if len(files) == 0 {
		t.Skip("no dicom in the test data")
	}
	dcmdump, _ := exec.LookPath("dcmdump")
	done := 0
	for _, name := range files {
		if strings.Contains(name, "cranium-ct") && !strings.HasSuffix(name, "001.dcm") {
			continue
		}
		in, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		before, err := dicom.Read(bytes.NewReader(in), dicom.Options{})
		if err != nil {
			continue
		}
		out, _, f := apply(t, in, deidentify.Options{})
		done++
		for _, e := range f.Elements {
			if e.Tag.Private() && e.Tag != dicom.ItemTag {
				t.Errorf("%s: the private element %v is still there", filepath.Base(name), e.Tag)
			}
		}
		for _, tag := range []dicom.Tag{dicom.PatientName, dicom.StudyInstanceUID, dicom.SOPInstanceUID, 0x00080090, 0x00080080} {
			if e, _ := before.Find(-1, tag); e != nil && len(before.Bytes(e)) > 5 && bytes.Contains(out, bytes.TrimRight(before.Bytes(e), " \x00")) {
				t.Errorf("%s: the value of %v is still there", filepath.Base(name), tag)
			}
		}
		if dcmdump == "" {
			continue
		}
		file := filepath.Join(t.TempDir(), "x.dcm")
		if err := os.WriteFile(file, out, 0o600); err != nil {
			t.Fatal(err)
		}
		if said, err := exec.CommandContext(t.Context(), dcmdump, "-q", "+E", file).CombinedOutput(); err != nil {
			t.Errorf("%s: dcmdump: %v\n%.300s", filepath.Base(name), err, said)
		}
	}
	if done < 30 {
		t.Errorf("%d files were de-identified, want 30 or more", done)
	}
}

func TestRisks(t *testing.T) {
	_, report, _ := apply(t, series("X").Slice(0), deidentify.Options{})
	if !slices.ContainsFunc(report.Risks, func(r string) bool { return strings.HasPrefix(r, "face") }) {
		t.Errorf("Risks of a CT of a head = %v, want the face", report.Risks)
	}
}

func FuzzApply(f *testing.F) {
	f.Add(series("X").Slice(0))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		o := deidentify.Options{Key: key, Limits: dicom.Limits{Inflated: 1 << 20, Kept: 1 << 20}}
		if _, err := deidentify.Apply(&out, bytes.NewReader(b), o); err != nil {
			return
		}
		again, err := dicom.Read(bytes.NewReader(out.Bytes()), dicom.Options{})
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		for _, e := range again.Elements {
			if e.Tag.Private() {
				t.Errorf("the private element %v is there", e.Tag)
			}
		}
	})
}
