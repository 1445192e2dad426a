package dicom_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
)

// composed is the file of a data set whose bulk values are at hand.
func composed(t testing.TB, object string, bulk map[string]string, syntax string) ([]byte, *dicom.Composed, error) {
	t.Helper()
	c, err := dicom.Compose([]byte(object), func(uri string) (dicom.BulkValue, bool) {
		v, ok := bulk[uri]
		return dicom.BulkValue{Size: int64(len(v)), Syntax: syntax}, ok
	})
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	for _, chunk := range c.Chunks {
		if chunk.URI != "" {
			b.WriteString(bulk[chunk.URI])
		}
		b.Write(chunk.Bytes)
	}
	return b.Bytes(), c, nil
}

const identity = `"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},"00080018":{"vr":"UI","Value":["1.2.3.4"]}`

// everyVR has a value of each value representation of the JSON model (PS3.18 F.2).
const everyVR = `{` + identity + `,"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00080020":{"vr":"DA","Value":["20260105"]},"0008002A":{"vr":"DT","Value":["20260105093000.5"]},
"00080030":{"vr":"TM","Value":["093000"]},"00080054":{"vr":"AE","Value":["PACS1"]},"00080060":{"vr":"CS","Value":["CT"]},"00080119":{"vr":"UC","Value":["long name"]},
"00080120":{"vr":"UR","Value":["https://example.org/a?b"]},"00081030":{"vr":"LO","Value":["头颅 CT"]},"00081140":{"vr":"SQ","Value":[{"00081150":{"vr":"UI","Value":["1.2"]},"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.3"]}}]}},{}]},
"00100010":{"vr":"PN","Value":[{"Alphabetic":"Wang^XiaoDong","Ideographic":"王^小东","Phonetic":"x"}]},"00101010":{"vr":"AS","Value":["034Y"]},"00104000":{"vr":"LT","Value":["one\\\\line"]},
"00180050":{"vr":"DS","Value":[1.25,"0.5"]},"00189073":{"vr":"FD","Value":[1.5]},"00200013":{"vr":"IS","Value":[7]},"00280009":{"vr":"AT","Value":["00181063"]},
"00280010":{"vr":"US","Value":[2]},"00280106":{"vr":"SS","Value":[-5]},"00186020":{"vr":"SL","Value":[-100000]},"00186018":{"vr":"UL","Value":[4000000000]},"00720078":{"vr":"UL","Value":[]},
"00720072":{"vr":"DS"},"00186028":{"vr":"FD","Value":[1e-7]},"00720076":{"vr":"FL","Value":[0.25,-2]},"00720082":{"vr":"SV","Value":["-9007199254740993"]},"00720083":{"vr":"UV","Value":[12]},
"00420011":{"vr":"OB","InlineBinary":"AQID"},"00091010":{"vr":"UN","InlineBinary":"AQI="},"00090010":{"vr":"LO","Value":["MAKER"]},
"00720061":{"vr":"DA","Value":["20260101",null,"20260103"]}}`

// What is composed reads back as what it was made of, here and in dcm2json.
func TestCompose(t *testing.T) {
	file, c, err := composed(t, everyVR, nil, "")
	if err != nil || c.Syntax != dicom.ExplicitLittleEndian || len(c.Warnings) != 0 {
		t.Fatalf("Compose() = %v, %v", c, err)
	}
	want := decode(t, []byte(everyVR)).(map[string]any)
	delete(want["00720078"].(map[string]any), "Value") // no value is no Value (F.2.5)
	want["00420011"].(map[string]any)["InlineBinary"] = "AQIDAA=="
	for _, d := range differences("", want, decode(t, []byte(toJSON(t, file)))) {
		t.Errorf("read back: %s", d)
	}
	tool, err := exec.LookPath("dcm2json")
	if err != nil {
		t.Skip("no dcm2json here: install dcmtk")
	}
	name := filepath.Join(t.TempDir(), "x.dcm")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, name).Output()
	if err != nil {
		t.Fatalf("dcm2json: %v", err)
	}
	delete(want, "00091010") // of a maker that DCMTK does not know
	theirs := decode(t, out).(map[string]any)
	delete(theirs, "00091010")
	for _, d := range differences("", want, theirs) {
		t.Errorf("dcm2json: %s", d)
	}
}

func TestComposeBulk(t *testing.T) {
	pixels := `,"00280010":{"vr":"US","Value":[1]},"00280011":{"vr":"US","Value":[3]},"00280100":{"vr":"US","Value":[8]},"00280002":{"vr":"US","Value":[1]},"7FE00010":{"vr":"OB","BulkDataURI":"p"}}`
	t.Run("native, padded", func(t *testing.T) {
		file, _, err := composed(t, `{`+identity+pixels, map[string]string{"p": "abc"}, "")
		if err != nil {
			t.Fatal(err)
		}
		f := read(t, file)
		if f.Pixels.Encapsulated || f.Pixels.Length != 4 || string(file[f.Pixels.Offset:]) != "abc\x00" {
			t.Errorf("pixels %+v", f.Pixels)
		}
	})
	t.Run("compressed", func(t *testing.T) {
		file, c, err := composed(t, `{`+identity+pixels, map[string]string{"p": "\xff\xd8abc"}, "1.2.840.10008.1.2.4.50")
		if err != nil || c.Syntax != "1.2.840.10008.1.2.4.50" {
			t.Fatal(err, c)
		}
		f := read(t, file)
		if table, reason := f.FrameTable(); table == nil || f.Syntax.UID != c.Syntax || len(f.Pixels.Fragments) != 1 || f.Pixels.Fragments[0].Length != 6 {
			t.Errorf("pixels %+v %s", f.Pixels, reason)
		}
		several := `{"00280008":{"vr":"IS","Value":[2]},` + identity + pixels
		if _, _, err := composed(t, several, map[string]string{"p": "x"}, "1.2.840.10008.1.2.4.50"); err == nil {
			t.Error("two compressed frames in one value are composed")
		}
	})
	t.Run("a value that does not come", func(t *testing.T) {
		_, _, err := composed(t, `{`+identity+pixels, nil, "")
		if f := dicom.AsFault(err); f == nil || f.Tag != dicom.PixelData {
			t.Errorf("Compose() = %v, want a fault of the pixel data", err)
		}
	})
}

// What does not fit its value representation is told by its tag, never by value.
func TestComposeIsLenient(t *testing.T) {
	for attribute, want := range map[string]string{
		`"00280010":{"vr":"US","Value":["2"]}`:                   "00280010 is a number written as a text",
		`"00280010":{"vr":"US","Value":[70000]}`:                 "00280010 has a value that its value representation cannot hold; it is written as zero",
		`"00280106":{"vr":"SS","Value":[1.5]}`:                   "00280106 has a value that its value representation cannot hold; it is written as zero",
		`"00100010":{"vr":"PN","Value":["Wang"]}`:                "00100010 is a person name, but no object of component groups",
		`"00180050":{"vr":"DS","Value":["thick"]}`:               "00180050 is no number",
		`"00081030":{"Value":["x"]}`:                             "00081030 tells no value representation; that of the dictionary is taken",
		`"00081030":{"vr":"LO","Value":[true]}`:                  "00081030 has a value of another kind than its value representation",
		`"00081030":{"vr":"LO","Value":[{"a":1}]}`:               "00081030 has a value of another kind than its value representation; it is left out",
		`"00081030":{"vr":"LO","Value":["a\\b"]}`:                "00081030 holds a backslash, which divides values",
		`"00104000":{"vr":"LT","Value":["a","b"]}`:               "00104000 has several values, but its value representation has one",
		`"00420011":{"vr":"OB","Value":["x"]}`:                   "00420011 is binary, but has a Value; it is written without",
		`"00080050":{"vr":"SH","Value":["` + long(70000) + `"]}`: "00080050 is longer than its value representation allows; it is written as UN",
	} {
		file, c, err := composed(t, `{`+identity+`,`+attribute+`}`, nil, "")
		if err != nil || len(c.Warnings) != 1 || c.Warnings[0] != want {
			t.Errorf("Compose(%.60s) warns %v, %v, want %q", attribute, c, err, want)
			continue
		}
		read(t, file)
	}
	for _, object := range []string{
		`[]`, `{}`, `{"x":{}}`, `{"00080016":null}`, `{` + identity + `,"0010000a":{"vr":"LO"},"0010000A":{"vr":"LO"}}`,
		`{` + identity + `,"FFFEE000":{"vr":"LO"}}`, `{` + identity + `,"00420011":{"vr":"OB","InlineBinary":"%"}}`,
		`{` + identity + `,"00081140":{"vr":"SQ","Value":[1]}}`,
		`{` + identity + `,"00081140":` + strings.Repeat(`{"vr":"SQ","Value":[{"00081140":`, 40) + `{"vr":"SQ"}` + strings.Repeat(`}]}`, 40) + `}`,
	} {
		if _, _, err := composed(t, object, nil, ""); dicom.AsFault(err) == nil {
			t.Errorf("Compose(%.60s) = %v, want a fault", object, err)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// FuzzCompose checks that what is composed can be read, and says the same when it
// is composed again.
func FuzzCompose(f *testing.F) {
	f.Add([]byte(everyVR))
	f.Add([]byte(`{` + identity + `,"00280010":{"vr":"US","Value":["2",-1,70000]}}`))
	f.Fuzz(func(t *testing.T, object []byte) {
		if len(object) > 1<<16 {
			return
		}
		file, _, err := composed(t, string(object), nil, "")
		if err != nil {
			if dicom.AsFault(err) == nil {
				t.Fatalf("Compose() = %v, which is no fault", err)
			}
			return
		}
		parsed, err := dicom.Read(bytes.NewReader(file), dicom.Options{})
		if err != nil {
			t.Fatalf("what was composed cannot be read: %v", err)
		}
		once, _ := parsed.AppendJSON(nil, dicom.JSONOptions{Inline: 1 << 20})
		if !json.Valid(once) {
			t.Fatalf("no JSON: %s", once)
		}
		again, _, err := composed(t, string(once), nil, "")
		if err != nil {
			return // UIDs that JSON writes otherwise
		}
		if parsed, err = dicom.Read(bytes.NewReader(again), dicom.Options{}); err != nil {
			t.Fatalf("the second time: %v", err)
		}
	})
}
