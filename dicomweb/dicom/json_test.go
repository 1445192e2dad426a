package dicom_test

import (
	"encoding/json"
	"math"
	"testing"

	"tenon/dicomweb/dicom"
)

// The forms of PS3.18 annex F.
func TestJSON(t *testing.T) {
	c, big := explicitLE, explicitBE
	double := func(f float64) string {
		return string(c.order.AppendUint64(nil, math.Float64bits(f)))
	}
	single := func(f float32) string { return string(c.order.AppendUint32(nil, math.Float32bits(f))) }
	wide := func(n uint64) string { return string(c.order.AppendUint64(nil, n)) }
	for name, tc := range map[string]struct {
		file []byte
		want string
	}{
		"F.2.5 empty values": {
			explicit(c.el(0x00080020, "DA", ""), c.el(0x00080050, "SH", "  "), c.el(0x00081140, "SQ", ""), c.el(0x00282000, "OB", "")),
			`{"00080020":{"vr":"DA"},"00080050":{"vr":"SH"},"00081140":{"vr":"SQ"},"00282000":{"vr":"OB"}}`},
		"F.2.5 empty values among others": {
			explicit(c.el(0x00080008, "CS", `ORIGINAL\\AXIAL `)),
			`{"00080008":{"vr":"CS","Value":["ORIGINAL",null,"AXIAL"]}}`},
		"a name of delimiters only is empty": {
			explicit(c.el(0x00080090, "PN", "^^^^"), c.el(0x00081048, "PN", `A^B\^=^\C `)),
			`{"00080090":{"vr":"PN"},"00081048":{"vr":"PN","Value":[{"Alphabetic":"A^B"},null,{"Alphabetic":"C"}]}}`},
		"F.2.2 empty items": {
			explicit(c.sq(0x00081140, c.item(), c.open())),
			`{"00081140":{"vr":"SQ","Value":[{},{}]}}`},
		"F.2.2 group lengths, group 2 and trailing padding are left out": {
			explicit(c.el(0x00080000, "UL", "\x00\x00\x00\x00"), c.el(0x00080060, "CS", "CT"), c.el(dicom.TrailingPadding, "OB", "\x00\x00")),
			`{"00080060":{"vr":"CS","Value":["CT"]}}`},
		"ascending order whatever the file has": {
			explicit(c.el(0x00100020, "LO", "ID"), c.el(0x00080060, "CS", "CT")),
			`{"00080060":{"vr":"CS","Value":["CT"]},"00100020":{"vr":"LO","Value":["ID"]}}`},
		"numbers": {
			explicit(c.el(0x00080301, "US", "\xFF\xFF"), c.el(0x00189219, "SS", "\xFF\xFF"), c.el(0x00186006, "SL", "\xFE\xFF\xFF\xFF"),
				c.el(0x00186016, "UL", "\xFF\xFF\xFF\xFF"), c.el(0x00189073, "FD", double(0.1)+double(1e-9)), c.el(0x00189461, "FL", single(0.1))),
			`{"00080301":{"vr":"US","Value":[65535]},"00186006":{"vr":"SL","Value":[-2]},"00186016":{"vr":"UL","Value":[4294967295]},` +
				`"00189073":{"vr":"FD","Value":[0.1,1e-09]},"00189219":{"vr":"SS","Value":[-1]},"00189461":{"vr":"FL","Value":[0.1]}}`},
		"numbers that JSON does not have": {
			explicit(c.el(0x00189073, "FD", double(math.NaN())+double(math.Inf(-1)))),
			`{"00189073":{"vr":"FD","Value":["NaN","-Infinity"]}}`},
		"64-bit integers keep their digits": {
			explicit(c.el(0x7FE00003, "UV", wide(1<<63)+wide(7))),
			`{"7FE00003":{"vr":"UV","Value":["9223372036854775808",7]}}`},
		"AT": {
			explicit(c.el(0x00280009, "AT", "\x18\x00\x63\x10")),
			`{"00280009":{"vr":"AT","Value":["00181063"]}}`},
		"a number with half a number behind it": {
			explicit(c.el(0x00280010, "US", "\x01\x00\x02")),
			`{"00280010":{"vr":"US","Value":[1]}}`},
		"F.2.7 inline binary is little endian": {
			part10(dicom.ExplicitBigEndian, big.el(0x00281201, "OW", "\x01\x02\x03\x04")),
			`{"00281201":{"vr":"OW","InlineBinary":"AgEEAw=="}}`},
		"pixel data by URI": {
			explicit(c.el(dicom.PixelData, "OW", "\x01\x02")),
			`{"7FE00010":{"vr":"OW","BulkDataURI":"bulk/7FE00010"}}`},
		"a backslash in text of one value": {
			explicit(c.el(0x00104000, "LT", ` a\b `)),
			`{"00104000":{"vr":"LT","Value":[" a\\b"]}}`},
		"escapes": {
			explicit(c.el(0x00104000, "LT", "\"\x01\r\n\x7f")),
			`{"00104000":{"vr":"LT","Value":["\"\u0001\r\n\u007f"]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := toJSON(t, tc.file)
			if got != tc.want {
				t.Errorf("JSON = %s\nwant   %s", got, tc.want)
			}
			if !json.Valid([]byte(got)) {
				t.Errorf("not JSON: %s", got)
			}
		})
	}
}

func TestAppendDecimal(t *testing.T) {
	for in, want := range map[string]string{
		"1": "1", "01": "1", "+1": "1", "-01.50": "-1.50", ".5": "0.5", "5.": "5", "-.5": "-0.5",
		"000": "0", "1e5": "1e5", "1.5E-03": "1.5E-03", "0.9570312": "0.9570312", "-0": "-0",
		"1e999": `"1e999"`, "1e": `"1e"`, "abc": `"abc"`, "1,5": `"1,5"`, "-": `"-"`, ".": `"."`, "--1": `"--1"`,
		"1 2": `"1 2"`, "0x10": `"0x10"`, "NaN": `"NaN"`, "1e++1": `"1e++1"`,
	} {
		got := string(dicom.AppendDecimal(nil, in))
		if got != want {
			t.Errorf("AppendDecimal(%q) = %s, want %s", in, got, want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("AppendDecimal(%q) is no JSON: %s", in, got)
		}
	}
}

func TestAppendName(t *testing.T) {
	for in, want := range map[string]string{
		"Wang^XiaoDong=王^小东=": `{"Alphabetic":"Wang^XiaoDong","Ideographic":"王^小东"}`,
		"=王^小东":               `{"Ideographic":"王^小东"}`,
		"==a":                 `{"Phonetic":"a"}`,
		"":                    `{}`,
		`O"Neil^J `:           `{"Alphabetic":"O\"Neil^J"}`,
	} {
		if got := string(dicom.AppendName(nil, in)); got != want {
			t.Errorf("AppendName(%q) = %s, want %s", in, got, want)
		}
	}
}

// Long values are named by the path that leads to them, and bounded in number.
func TestBulk(t *testing.T) {
	c := explicitLE
	long := string(make([]byte, 2048))
	file := read(t, explicit(
		c.sq(0x00880200, c.item(c.el(dicom.Rows, "US", "\x01\x00")), c.item(c.el(dicom.PixelData, "OW", long))),
		c.el(0x00282000, "OB", long)))
	j, bulk := file.AppendJSON(nil, jsonOptions)
	const want = `{"00282000":{"vr":"OB","BulkDataURI":"bulk/00282000"},` +
		`"00880200":{"vr":"SQ","Value":[{"00280010":{"vr":"US","Value":[1]}},{"7FE00010":{"vr":"OW","BulkDataURI":"bulk/00880200/2/7FE00010"}}]}}`
	if string(j) != want {
		t.Errorf("JSON = %s\nwant   %s", j, want)
	}
	if len(bulk) != 2 || bulk[1].Path != "00880200/2/7FE00010" || bulk[1].Length != 2048 {
		t.Errorf("bulk = %v", bulk)
	}
	o := jsonOptions
	o.MaxBulk = 1
	if _, bulk := file.AppendJSON(nil, o); len(bulk) != 1 {
		t.Errorf("%d bulk values, want 1", len(bulk))
	}
}

func checkJSON(t *testing.T, f *dicom.File) {
	t.Helper()
	j, _ := f.AppendJSON(nil, jsonOptions)
	if !json.Valid(j) {
		t.Errorf("not JSON: %q", j)
	}
}
