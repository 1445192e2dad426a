package pdf_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"tenon/server/pdf"
)

var created = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// sample is a document with all that there is.
func sample(t testing.TB) []byte {
	t.Helper()
	d, err := pdf.New("病例档案 Dossier", "病例 Case C-1", created)
	if err != nil {
		t.Fatal(err)
	}
	d.Title("病例档案 Dossier")
	d.Heading("患者 Patient")
	d.Pair("姓名 Name", "欧阳赟喆 (𠮷 \x01\u202e)")
	d.Text(strings.Repeat("定制式医疗器械的每一次交接都可证明。", 20))
	d.Row([]pdf.Cell{{Width: 0.5, Text: "left"}, {Width: 0.5, Text: strings.Repeat("word ", 3000), Small: true}})
	d.Text("end 完")
	out, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// objects reads a file by its table, as a reader does.
func objects(t testing.TB, file []byte) map[int][]byte {
	t.Helper()
	m := regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`).FindSubmatch(file)
	if m == nil || !bytes.HasPrefix(file, []byte("%PDF-1.7\n")) {
		t.Fatal("no PDF")
	}
	at, _ := strconv.Atoi(string(m[1]))
	lines := strings.Split(string(file[at:]), "\n")
	var n int
	if _, err := fmt.Sscanf(lines[1], "0 %d", &n); err != nil || lines[0] != "xref" {
		t.Fatalf("xref: %q %v", lines[:2], err)
	}
	all := map[int][]byte{}
	for i := 1; i < n; i++ {
		if len(lines[2+i]) != 19 {
			t.Fatalf("entry %d of the table is %q, want 20 bytes with its end", i, lines[2+i])
		}
		at, _ := strconv.Atoi(lines[2+i][:10])
		head := fmt.Sprintf("%d 0 obj\n", i)
		if !bytes.HasPrefix(file[at:], []byte(head)) {
			t.Fatalf("object %d is not at %d", i, at)
		}
		body := file[at+len(head):]
		all[i] = body[:bytes.Index(body, []byte("\nendobj\n"))]
	}
	return all
}

func inflate(t testing.TB, object []byte) []byte {
	t.Helper()
	m := regexp.MustCompile(`/Length (\d+) `).FindSubmatch(object)
	n, _ := strconv.Atoi(string(m[1]))
	at := bytes.Index(object, []byte("stream\n")) + len("stream\n")
	r, err := zlib.NewReader(bytes.NewReader(object[at : at+n]))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil || string(object[at+n:at+n+10]) != "\nendstream" {
		t.Fatalf("a stream of %d bytes: %v", n, err)
	}
	return out
}

// textOf is what a reader finds on the pages, by the font's own table of
// characters.
func textOf(t testing.TB, file []byte) (pages []string) {
	t.Helper()
	all := objects(t, file)
	chars := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^<([0-9A-F]{4})> <([0-9A-F]+)>$`).FindAllStringSubmatch(string(inflate(t, all[6])), -1) {
		var units []uint16
		for i := 0; i < len(m[2]); i += 4 {
			u, _ := strconv.ParseUint(m[2][i:i+4], 16, 16)
			units = append(units, uint16(u))
		}
		chars[m[1]] = string(utf16.Decode(units))
	}
	for i := 10; all[i] != nil; i += 2 {
		var b strings.Builder
		for _, m := range regexp.MustCompile(`<([0-9A-F]+)> Tj`).FindAllStringSubmatch(string(inflate(t, all[i+1])), -1) {
			for k := 0; k < len(m[1]); k += 4 {
				c, ok := chars[m[1][k:k+4]]
				if !ok {
					t.Errorf("glyph %s is no character", m[1][k:k+4])
				}
				b.WriteString(c)
			}
			b.WriteString("\n")
		}
		pages = append(pages, b.String())
	}
	return pages
}

func TestDocument(t *testing.T) {
	file := sample(t)
	pages := textOf(t, file)
	all := strings.Join(pages, "")
	t.Run("what was written is what is read", func(t *testing.T) {
		for _, want := range []string{"病例档案 Dossier", "姓名 Name", "欧阳赟喆 ([U+20BB7]", "定制式医疗器械", "end 完"} {
			if !strings.Contains(all, want) {
				t.Errorf("%q is not in\n%.400s", want, all)
			}
		}
		if n := strings.Count(all, "word"); n != 3000 {
			t.Errorf("%d words, want 3000: something was cut off", n)
		}
	})
	t.Run("pages are numbered", func(t *testing.T) {
		for i, p := range pages {
			if want := fmt.Sprintf("病例 Case C-1 · %d / %d", i+1, len(pages)); !strings.Contains(strings.ReplaceAll(p, "  ", " "), want) {
				t.Errorf("page %d lacks %q", i+1, want)
			}
		}
		if len(pages) < 2 {
			t.Errorf("%d pages", len(pages))
		}
	})
	t.Run("the same text gives the same bytes", func(t *testing.T) {
		if !bytes.Equal(file, sample(t)) {
			t.Error("two runs differ")
		}
	})
	t.Run("it is small", func(t *testing.T) {
		if len(file) > 200_000 {
			t.Errorf("%d bytes", len(file))
		}
	})
	t.Run("no line leaves the page", func(t *testing.T) {
		for _, m := range regexp.MustCompile(`1 0 0 1 ([0-9.]+) ([0-9.-]+) Tm`).FindAllStringSubmatch(string(inflate(t, objects(t, file)[11])), -1) {
			x, _ := strconv.ParseFloat(m[1], 64)
			y, _ := strconv.ParseFloat(m[2], 64)
			if x < 50 || x > 545 || y < 25 || y > 800 {
				t.Errorf("a line at %v, %v", x, y)
			}
		}
	})
	t.Run("another reader", func(t *testing.T) {
		program, err := exec.LookPath("pdftotext")
		if err != nil {
			t.Skip("pdftotext is not here (apt install poppler-utils)")
		}
		name := filepath.Join(t.TempDir(), "x.pdf")
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), program, name, "-").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "欧阳赟喆") || strings.Contains(string(out), "rror") {
			t.Errorf("%v: %.400s", err, out)
		}
	})
}

func TestFont(t *testing.T) {
	f, err := pdf.Sans()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range "定制式医疗器械签署赟喆䶮№ⅣΩ①，。％Aaé–µ°→≤" {
		if !f.Has(r) {
			t.Errorf("the font lacks %c", r)
		}
	}
	if n := len(f.Runes()); n < 7000 {
		t.Errorf("%d characters", n)
	}
	again, err := pdf.ParseFont(f.Subset([]rune("定é制 定")))
	if err != nil || len(again.Runes()) != 4 || !again.Has('é') {
		t.Errorf("Subset() = %q, %v", string(again.Runes()), err)
	}
}

func FuzzParseFont(f *testing.F) {
	whole, err := pdf.Sans()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Subset([]rune("é")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if font, err := pdf.ParseFont(data); err == nil {
			_ = font.Runes()
		}
	})
}
