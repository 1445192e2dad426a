package imaging

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"tenon/dicomweb/dicom"
	"tenon/test/servertest"
)

// ct is the CT of the corpus in a transfer syntax, as an instance of its own.
func ct(t *testing.T, name string, number int) (file []byte, path string) {
	t.Helper()
	root := os.Getenv("TENON_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "testdata")
	}
	found, _ := filepath.Glob(filepath.Join(root, "dicom", "transfer-syntaxes", "CTImage.dcm_"+name+"*"))
	if len(found) == 0 {
		t.Skipf("no sample file %s: set TENON_TESTDATA", name)
	}
	file, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	f, err := dicom.Read(bytes.NewReader(file), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	old := f.String(0x00080018)
	uid := fmt.Sprintf("%s%02d", old[:len(old)-2], number)
	return bytes.ReplaceAll(file, []byte(old), []byte(uid)),
		"/studies/" + f.String(0x0020000D) + "/series/" + f.String(0x0020000E) + "/instances/" + uid
}

// keep stores a file for the first patient, whatever patient it names.
func (w *ward) keep(t *testing.T, file []byte) {
	t.Helper()
	w.Expect(t, 200, servertest.Request{Token: w.clin, Method: "POST", Path: "/dicomweb/studies?patient=" + w.patients[0], Body: file,
		Header: map[string]string{"Content-Type": "application/dicom", "Accept": "application/dicom+json"}})
}

// One CT in several transfer syntaxes is the same picture and the same pixels on
// the whole server, and only for who may see it.
func TestPixels(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *ward) {
		reference, first := ct(t, "LittleEndianExplicit", 1)
		pixels := reference[len(reference)-512*512*2:]
		w.keep(t, reference)
		picture := w.Expect(t, 200, w.get(first+"/rendered", "Accept", "image/png")).Body
		for i, name := range []string{"JPEG2000Lossless", "JPEGLSLossless", "JPEGProcess14SV1", "RLELossless", "BigEndianExplicit"} {
			t.Run("R000-024 "+name, func(t *testing.T) {
				file, path := ct(t, name, i+2)
				w.keep(t, file)
				if a := w.Expect(t, 200, w.get(path+"/rendered", "Accept", "image/png")); !bytes.Equal(a.Body, picture) {
					t.Errorf("rendered: another picture of %d bytes", len(a.Body))
				}
				w.transcoded(t, path, pixels)
				w.frame(t, path, pixels)
				for _, what := range []string{"/rendered", "/thumbnail", "/frames/1/rendered", "/frames/1", ""} {
					w.Expect(t, 404, as(w.designer, w.get(path+what, "Accept", "*/*")))
				}
			})
		}
		t.Run("R000-024 progressive", func(t *testing.T) {
			file, path := ct(t, "JPEGProcess10_12", 9)
			w.keep(t, file)
			w.Expect(t, 200, w.get(path+"/rendered", "Accept", "image/jpeg"))
			a := w.Expect(t, 200, w.get(path, "Accept", "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80"))
			f, err := dicom.Read(bytes.NewReader(a.Body), dicom.Options{})
			if err != nil || f.String(0x00282110) != "01" {
				t.Errorf("LossyImageCompression %q, %v, want 01", f.String(0x00282110), err)
			}
		})
	})
}

// transcoded retrieves the instance uncompressed: with an entity tag that spares
// the next answer, and without parts of it.
func (w *ward) transcoded(t *testing.T, path string, pixels []byte) {
	t.Helper()
	accept := "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
	a := w.Expect(t, 200, w.get(path, "Accept", accept, "Range", "bytes=0-99"))
	tag := a.Header.Get("ETag")
	if !bytes.HasSuffix(a.Body, pixels) || a.Header.Get("Accept-Ranges") != "none" || tag == "" {
		t.Errorf("transcoded: %d bytes, tag %s, ranges %s", len(a.Body), tag, a.Header.Get("Accept-Ranges"))
	}
	if n := w.Expect(t, 304, w.get(path, "Accept", accept, "If-None-Match", tag)); n.Header.Get("ETag") != tag || len(n.Body) > 0 {
		t.Errorf("not modified: tag %s and %d bytes, want %s and none", n.Header.Get("ETag"), len(n.Body), tag)
	}
	other := w.Expect(t, 200, w.get(path, "Accept", accept+".99", "If-None-Match", tag))
	if other.Header.Get("ETag") == tag {
		t.Error("two transfer syntaxes have one entity tag")
	}
}

// frame retrieves a frame uncompressed, whole and in part.
func (w *ward) frame(t *testing.T, path string, pixels []byte) {
	t.Helper()
	path += "/frames/1"
	a := w.Expect(t, 200, w.get(path, "Accept", "application/octet-stream"))
	if !bytes.Equal(a.Body, pixels) {
		t.Errorf("frame: %d bytes of other pixels", len(a.Body))
	}
	part := w.Expect(t, 206, w.get(path, "Accept", "application/octet-stream", "Range", "bytes=1000-1999", "If-Range", a.Header.Get("ETag")))
	if !bytes.Equal(part.Body, pixels[1000:2000]) {
		t.Errorf("part of a frame: %d bytes", len(part.Body))
	}
	w.Expect(t, 304, w.get(path, "Accept", "application/octet-stream", "If-None-Match", a.Header.Get("ETag")))
}

// frames is a file with its only frame many times.
func frames(t *testing.T, file []byte, n int) []byte {
	t.Helper()
	rows := bytes.Index(file, []byte{0x28, 0, 0x10, 0, 'U', 'S'})
	head := bytes.Index(file, []byte{0xE0, 0x7F, 0x10, 0, 'O'})
	if rows < 0 || head < 0 {
		t.Fatal("the file has no rows or no pixels")
	}
	count := fmt.Sprintf("%-4d", n)
	out := append(bytes.Clone(file[:rows]), 0x28, 0, 8, 0, 'I', 'S', 4, 0)
	out = append(append(append(out, count...), file[rows:head+12]...), 0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0)
	table := file[head+12:]
	table = table[8+binary.LittleEndian.Uint32(table[4:]):]
	item := table[:8+binary.LittleEndian.Uint32(table[4:])]
	for range n {
		out = append(out, item...)
	}
	return append(out, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0)
}

// An instance of many frames is decoded and written frame by frame: while 60 MB
// leave the server, its heap grows by less than the frames of it.
func TestPixelsInFlatMemory(t *testing.T) {
	eachEngine(t, nil, func(t *testing.T, w *ward) {
		const count, most = 120, 24 << 20
		file, path := ct(t, "RLELossless", 20)
		w.keep(t, frames(t, file, count))
		file = nil
		defer debug.SetGCPercent(debug.SetGCPercent(10))
		runtime.GC()
		before, peak, stop := heap(), atomic.Uint64{}, make(chan bool)
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					peak.Store(max(peak.Load(), heap()))
				}
			}
		}()
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/dicomweb"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.clin)
		r.Header.Set("Accept", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1")
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, a.Body)
		_ = a.Body.Close()
		close(stop)
		if err != nil || a.StatusCode != 200 || n < count*512*512*2 {
			t.Fatalf("status %d, %d bytes, %v", a.StatusCode, n, err)
		}
		grown := int64(peak.Load()) - int64(before)
		t.Logf("%d bytes left, the heap grew by %d", n, grown)
		if grown > most {
			t.Errorf("the heap grew by %d bytes while %d left, want at most %d", grown, n, most)
		}
	})
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
