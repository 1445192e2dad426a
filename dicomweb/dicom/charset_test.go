package dicom_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
)

// Names of the samples as PS3.5 annexes H, I, J and K print them, and the names
// of the other samples as their authors describe them.
func TestNamesOfTheSamples(t *testing.T) {
	for file, want := range map[string]string{
		"chrArab.dcm":                `{"Alphabetic":"قباني^لنزار"}`,
		"chrFren.dcm":                `{"Alphabetic":"Buc^Jérôme"}`,
		"chrFrenMulti.dcm":           `{"Alphabetic":"Buc^Jérôme"}`,
		"chrGerm.dcm":                `{"Alphabetic":"Äneas^Rüdiger"}`,
		"chrGreek.dcm":               `{"Alphabetic":"Διονυσιος"}`,
		"chrH31.dcm":                 `{"Alphabetic":"Yamada^Tarou","Ideographic":"山田^太郎","Phonetic":"やまだ^たろう"}`,
		"chrH32.dcm":                 `{"Alphabetic":"ﾔﾏﾀﾞ^ﾀﾛｳ","Ideographic":"山田^太郎","Phonetic":"やまだ^たろう"}`,
		"chrHbrw.dcm":                `{"Alphabetic":"שרון^דבורה"}`,
		"chrI2.dcm":                  `{"Alphabetic":"Hong^Gildong","Ideographic":"洪^吉洞","Phonetic":"홍^길동"}`,
		"chrJapMulti.dcm":            `{"Alphabetic":"やまだ^たろう"}`,
		"chrJapMultiExplicitIR6.dcm": `{"Alphabetic":"やまだ^たろう"}`,
		"chrKoreanMulti.dcm":         `{"Alphabetic":"김희중"}`,
		"chrRuss.dcm":                `{"Alphabetic":"Люкceмбypг"}`,
		"chrX1.dcm":                  `{"Alphabetic":"Wang^XiaoDong","Ideographic":"王^小東"}`,
		"chrX2.dcm":                  `{"Alphabetic":"Wang^XiaoDong","Ideographic":"王^小东"}`,
	} {
		t.Run(file, func(t *testing.T) {
			j := toJSON(t, sample(t, "charsets/"+file))
			if got := valueOf(t, j, "00100010"); got != want {
				t.Errorf("PatientName = %s, want %s", got, want)
			}
			if got := valueOf(t, j, "00080005"); got != `"ISO_IR 192"` {
				t.Errorf("SpecificCharacterSet = %s, want ISO_IR 192", got)
			}
		})
	}
}

// valueOf is the JSON of the first value of an attribute.
func valueOf(t testing.TB, object, tag string) string {
	t.Helper()
	var o map[string]struct{ Value []json.RawMessage }
	if err := json.Unmarshal([]byte(object), &o); err != nil {
		t.Fatalf("%v in %s", err, object)
	}
	if len(o[tag].Value) == 0 {
		return ""
	}
	return string(o[tag].Value[0])
}

// An item without a character set of its own has that of the data set, one with
// its own keeps it to itself (PS3.5 §7.5.3).
func TestCharacterSetOfItems(t *testing.T) {
	const want = `{"Alphabetic":"ﾔﾏﾀﾞ^ﾀﾛｳ","Ideographic":"山田^太郎","Phonetic":"やまだ^たろう"}`
	for _, file := range []string{"chrSQEncoding.dcm", "chrSQEncoding1.dcm"} {
		item := valueOf(t, toJSON(t, sample(t, "charsets/"+file)), "00321064")
		if got := valueOf(t, item, "00100010"); got != want {
			t.Errorf("%s: name in the item = %s, want %s", file, got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		terms     []string
		vr        dicom.VR
		in, want  string
		isUnknown bool
	}{
		{nil, dicom.LO, "plain", "plain", false},
		{nil, dicom.LO, "caf\xe9", "caf\uFFFD", false},
		{nil, dicom.LO, "王", "王", false}, // UTF-8 that nobody declared
		{[]string{"ISO_IR 100"}, dicom.LO, "caf\xe9", "café", false},
		{[]string{"ISO-IR 100"}, dicom.LO, "caf\xe9", "café", false},
		{[]string{"ISO 2022 IR 100"}, dicom.LO, "caf\xe9", "café", false},
		{[]string{"ISO_IR 101"}, dicom.LO, "\xb1", "ą", false},
		{[]string{"ISO_IR 109"}, dicom.LO, "\xa1", "Ħ", false},
		{[]string{"ISO_IR 110"}, dicom.LO, "\xa2", "ĸ", false},
		{[]string{"ISO_IR 144"}, dicom.LO, "\xb6", "Ж", false},
		{[]string{"ISO_IR 127"}, dicom.LO, "\xc7", "ا", false},
		{[]string{"ISO_IR 126"}, dicom.LO, "\xe1", "α", false},
		{[]string{"ISO_IR 138"}, dicom.LO, "\xe0", "א", false},
		{[]string{"ISO_IR 148"}, dicom.LO, "\xfd", "ı", false},
		{[]string{"ISO_IR 166"}, dicom.LO, "\xa1", "ก", false},
		{[]string{"ISO_IR 13"}, dicom.LO, "\xd4\xcf\xc0\xde~", "ﾔﾏﾀﾞ‾", false},
		{[]string{"ISO_IR 192"}, dicom.LO, "王\xff", "王\uFFFD", false},
		{[]string{"GB18030"}, dicom.PN, "\xcd\xf5^\xd0\xa1\xb6\xab", "王^小东", false},
		{[]string{"GBK"}, dicom.LO, "\x81\x5c", "乗", false}, // second byte is a backslash
		{[]string{"", "ISO 2022 IR 58"}, dicom.PN, "Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=", "Zhang^XiaoDong=张^小东=", false},
		{[]string{"", "ISO 2022 IR 58"}, dicom.LT, "1. \x1b$)A\xb5\xda\xd2\xbb\r\n2. \xb5\xda", "1. 第一\r\n2. \uFFFD\uFFFD", false},
		{[]string{"", "ISO 2022 IR 149"}, dicom.LO, "\x1b$)C\xb1\xe8", "김", false},
		{[]string{"", "ISO 2022 IR 87", "ISO 2022 IR 159"}, dicom.LO, "\x1b$(D\x22\x6d\x1b(B x", "© x", false},
		{[]string{"ISO 2022 IR 100", "ISO 2022 IR 144"}, dicom.LO, "\xe9 \x1b-L\xb6\\\xe9", `é Ж\é`, false},
		{[]string{"ISO_IR 999"}, dicom.LO, "a\xe9", "a\uFFFD", true},
	} {
		set := dicom.ParseCharset(c.terms)
		got := set.Decode([]byte(c.in), c.vr)
		if got != c.want || set.Unknown() != c.isUnknown {
			t.Errorf("Decode(%q, %q) = %q, unknown %v; want %q, %v", c.terms, c.in, got, set.Unknown(), c.want, c.isUnknown)
		}
	}
}

func FuzzCharset(f *testing.F) {
	f.Add("ISO 2022 IR 13\\ISO 2022 IR 87", []byte("\xd4\x1b$B;3\x1b(J^="), true)
	f.Add("GB18030", []byte("\x81\x30\x81"), false)
	f.Add("\\ISO 2022 IR 159", []byte("\x1b$(D\x22"), true)
	f.Fuzz(func(t *testing.T, terms string, b []byte, name bool) {
		vr := dicom.LO
		if name {
			vr = dicom.PN
		}
		got := dicom.ParseCharset(strings.Split(terms, `\`)).Decode(b, vr)
		if j := dicom.AppendString(nil, got); !json.Valid(j) {
			t.Errorf("JSON of %q is not valid", got)
		}
	})
}
