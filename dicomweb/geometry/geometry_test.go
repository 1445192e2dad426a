package geometry_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/geometry"
	"tenon/dicomweb/sample"
)

// headers are the DICOM JSON of files.
func headers(t *testing.T, files ...[]byte) (all []string) {
	t.Helper()
	for _, file := range files {
		f, err := dicom.Read(bytes.NewReader(file), dicom.Options{StopAtPixels: true})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := f.AppendJSON(nil, dicom.JSONOptions{Inline: 1024, MaxBulk: 10})
		all = append(all, string(text))
	}
	return all
}

func measured(t *testing.T, headers []string) geometry.Report {
	t.Helper()
	var images []*geometry.Image
	for _, h := range headers {
		i, err := geometry.Read(&geometry.Header{Metadata: []byte(h), TransferSyntax: "1.2.840.10008.1.2.1"})
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, i)
	}
	return geometry.Measure(images)
}

func phantom(t *testing.T, n int) []string {
	t.Helper()
	series := sample.New(sample.Options{Slices: n, Thickness: 0.75, Spacing: 0.5})
	var files [][]byte
	for i := range n {
		files = append(files, series.Slice(i))
	}
	return headers(t, files...)
}

// TestMeasure takes one thing at a time away from a sound series.
func TestMeasure(t *testing.T) {
	sound := func(t *testing.T) []string { return phantom(t, 8) }
	each := func(old, with string) func(t *testing.T) []string {
		return func(t *testing.T) []string {
			all := sound(t)
			for i := range all {
				if !strings.Contains(all[i], old) {
					t.Fatalf("%s is not in %s", old, all[i])
				}
				all[i] = strings.Replace(all[i], old, with, 1)
			}
			return all
		}
	}
	for _, c := range []struct {
		name string
		of   func(t *testing.T) []string
		what func(r geometry.Report) any
		want any
	}{
		{"R001-097 slice thickness", sound, func(r geometry.Report) any { return r.Thickness }, geometry.Length{Most: 0.75, Known: true}},
		{"R001-097 spacing of slices", sound, func(r geometry.Report) any { return r.Spacing }, geometry.Length{Most: 0.75, Known: true}},
		{"R001-098 pixel spacing", sound, func(r geometry.Report) any { return r.Pixel }, geometry.Length{Most: 0.5, Known: true}},
		{"nothing is wrong", sound, func(r geometry.Report) any {
			return []int{r.Instances, r.Images, r.Missing, r.Lossy, r.Derived, r.BurnedIn, r.Unscaled, r.Unsited, int(r.Tilt)}
		}, []int{8, 8, 0, 0, 0, 0, 0, 0, 0}},
		{"R001-099 filter", sound, func(r geometry.Report) any { return r.Kernels }, []string{"BONE"}},
		{"R001-211 site", sound, func(r geometry.Report) any { return append(r.BodyParts, r.Modalities...) }, []string{"HEAD", "CT"}},
		{"a slice taken out", func(t *testing.T) []string { return slices.Delete(sound(t), 3, 4) }, func(r geometry.Report) any { return r.Missing }, 1},
		{"two taken out in one place and one in another", func(t *testing.T) []string { return slices.Delete(slices.Delete(phantom(t, 12), 8, 9), 3, 5) }, func(r geometry.Report) any { return r.Missing }, 3},
		{"the distance where one lacks", func(t *testing.T) []string { return slices.Delete(sound(t), 3, 4) }, func(r geometry.Report) any { return r.Spacing.Most }, 1.5},
		{"in another order", func(t *testing.T) []string { all := sound(t); slices.Reverse(all); return all }, func(r geometry.Report) any { return r.Missing }, 0},
		{"one slice twice", func(t *testing.T) []string { all := sound(t); return append(all, all[2]) }, func(r geometry.Report) any { return r.Missing }, 0},
		{"R001-097 thickness not said", each(`"00180050":{"vr":"DS","Value":[0.75]}`, `"00180050":{"vr":"DS"}`), func(r geometry.Report) any { return r.Thickness.Known }, false},
		{"R001-097 one thick slice", func(t *testing.T) []string {
			all := sound(t)
			all[5] = strings.Replace(all[5], `"00180050":{"vr":"DS","Value":[0.75]}`, `"00180050":{"vr":"DS","Value":["2.5"]}`, 1)
			return all
		}, func(r geometry.Report) any { return r.Thickness }, geometry.Length{Most: 2.5, Known: true}},
		{"R001-098 coarse columns", each(`"00280030":{"vr":"DS","Value":[0.5,0.5]}`, `"00280030":{"vr":"DS","Value":[0.5,0.9]}`), func(r geometry.Report) any { return r.Pixel.Most }, 0.9},
		{"lossy", each(`"00280030"`, `"00282110":{"vr":"CS","Value":["01"]},"00280030"`), func(r geometry.Report) any { return r.Lossy }, 8},
		{"text burned in", each(`"00280030"`, `"00280301":{"vr":"CS","Value":["YES"]},"00280030"`), func(r geometry.Report) any { return r.BurnedIn }, 8},
		{"R001-100 derived", each(`"ORIGINAL"`, `"DERIVED"`), func(r geometry.Report) any { return r.Derived }, 8},
		{"R001-100 algorithm", each(`"00280030"`, `"00189315":{"vr":"CS","Value":["ITERATIVE"]},"00280030"`), func(r geometry.Report) any { return r.Algorithms }, []string{"ITERATIVE"}},
		{"R001-101 grey values not rescaled", each(`"00281053"`, `"00281059"`), func(r geometry.Report) any { return r.Unscaled }, 8},
		{"R001-211 site not said", each(`"00180015":{"vr":"CS","Value":["HEAD"]}`, `"00180015":{"vr":"CS"}`), func(r geometry.Report) any { return r.Unsited }, 8},
		{"a localizer is not judged", func(t *testing.T) []string {
			all := sound(t)
			all[0] = strings.NewReplacer(`"AXIAL"`, `"LOCALIZER"`, `"00180050":{"vr":"DS","Value":[0.75]}`, `"00180050":{"vr":"DS","Value":[10]}`).Replace(all[0])
			return all
		}, func(r geometry.Report) any { return []float64{r.Thickness.Most, float64(r.Images)} }, []float64{0.75, 7}},
		{"a document is not judged", func(t *testing.T) []string {
			return append(sound(t), `{"00080060":{"vr":"CS","Value":["SR"]},"0020000E":{"vr":"UI","Value":["1.2"]}}`)
		}, func(r geometry.Report) any { return []int{r.Instances, r.Images} }, []int{9, 8}},
		{"nothing at all", func(*testing.T) []string { return nil }, func(r geometry.Report) any { return []bool{r.Thickness.Known, r.Pixel.Known, r.Spacing.Known} }, []bool{false, false, false}},
		{"one image has no spacing", func(t *testing.T) []string { return phantom(t, 1) }, func(r geometry.Report) any { return r.Spacing.Known }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.what(measured(t, c.of(t))); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("Measure() = %v, want %v", got, c.want)
			}
		})
	}
}

// TestTilt: a stack that leans by 15 degrees, in the direction of the slices and
// by what the scanner says alone.
func TestTilt(t *testing.T) {
	var leaning, alone []string
	for i := range 5 {
		z := float64(i) * 2
		leaning = append(leaning, fmt.Sprintf(`{"0020000E":{"Value":["1"]},"00280010":{"Value":[9]},"00280011":{"Value":[9]},"00200037":{"Value":[1,0,0,0,1,0]},"00200032":{"Value":[0,%g,%g]}}`, z*math.Tan(15*math.Pi/180), z))
	}
	alone = append(alone, `{"0020000E":{"Value":["1"]},"00280010":{"Value":[9]},"00280011":{"Value":[9]},"00181120":{"Value":[-12]}}`)
	if got := measured(t, leaning).Tilt; math.Abs(got-15) > 0.01 {
		t.Errorf("a leaning stack = %v degrees, want 15", got)
	}
	if got := measured(t, alone).Tilt; got != 12 {
		t.Errorf("as the scanner says = %v degrees, want 12", got)
	}
}

// TestEnhanced: one instance with a frame for each slice, some said for all.
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.7.6.16
func TestEnhanced(t *testing.T) {
	frames := func(z ...float64) string {
		var groups []string
		for _, at := range z {
			groups = append(groups, fmt.Sprintf(`{"00209113":{"vr":"SQ","Value":[{"00200032":{"Value":[0,0,%g]}}]}}`, at))
		}
		return `{"0020000E":{"Value":["1"]},"00080060":{"Value":["CT"]},"00280010":{"Value":[9]},"00280011":{"Value":[9]},
			"52009229":{"vr":"SQ","Value":[{"00289110":{"Value":[{"00180050":{"Value":[1.25]},"00280030":{"Value":[0.4,0.4]}}]},"00209116":{"Value":[{"00200037":{"Value":[1,0,0,0,1,0]}}]},
			"00289145":{"Value":[{"00281052":{"Value":[-1024]},"00281053":{"Value":[1]}}]},"00189314":{"Value":[{"00181210":{"Value":["H60"]}}]}}]},
			"52009230":{"vr":"SQ","Value":[` + strings.Join(groups, ",") + `]}}`
	}
	r := measured(t, []string{frames(0, 1, 2, 3, 5)})
	if r.Missing != 1 || r.Thickness != (geometry.Length{Most: 1.25, Known: true}) || r.Pixel.Most != 0.4 || r.Unscaled != 0 || !slices.Equal(r.Kernels, []string{"H60"}) {
		t.Errorf("Measure() = %+v", r)
	}
}

// TestCranium measures a real CT of a head, whole and with a slice taken out.
func TestCranium(t *testing.T) {
	folder := os.Getenv("TENON_TESTDATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "testdata")
	}
	names, _ := filepath.Glob(filepath.Join(folder, "dicom", "cranium-ct", "*.dcm"))
	if len(names) == 0 {
		t.Skipf("no cranium-ct in %s", folder)
	}
	var files [][]byte
	for _, name := range names {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	all := headers(t, files...)
	r := measured(t, all)
	if r.Images != 108 || r.Missing != 0 || r.Tilt != 0 || r.Thickness != (geometry.Length{Most: 1.5, Known: true}) || math.Abs(r.Spacing.Most-1.5) > 1e-9 || r.Pixel.Most != 0.9570312 || !slices.Equal(r.BodyParts, []string{"HEAD"}) {
		t.Errorf("Measure() = %+v", r)
	}
	for _, k := range []int{1, 50, 106} {
		if got := measured(t, slices.Delete(slices.Clone(all), k, k+1)).Missing; got != 1 {
			t.Errorf("without slice %d: %d missing, want 1", k+1, got)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `{"00180050":{"Value":["thick"]}}`, `{"00180050":{"Value":[1e999]}}`, `{"00280010":{"Value":[{}]}}`, `{"00200032":{"Value":[1,2,"x"]}}`} {
		if i, err := geometry.Read(&geometry.Header{Metadata: []byte(text)}); err == nil {
			t.Errorf("Read(%s) = %+v, want an error", text, i)
		}
	}
}

func TestLossySyntax(t *testing.T) {
	for syntax, want := range map[string]bool{"1.2.840.10008.1.2.4.50": true, "1.2.840.10008.1.2.4.81": true, "1.2.840.10008.1.2.4.80": false, "1.2.840.10008.1.2.4.90": false} {
		if i, err := geometry.Read(&geometry.Header{Metadata: []byte(`{}`), TransferSyntax: syntax}); err != nil || i.Lossy != want {
			t.Errorf("Read(%s) = %+v, %v, want lossy %v", syntax, i, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"0020000E":{"Value":["1"]},"00280010":{"Value":[9]},"00280011":{"Value":[9]},"00200037":{"Value":[1,0,0,0,1,0]},"00200032":{"Value":[0,1,2]}}`))
	f.Add([]byte(`{"52009229":{"Value":[{"00289110":{"Value":[{"00180050":{"Value":[null,1]}}]}}]},"52009230":{"Value":[{},null,3]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		i, err := geometry.Read(&geometry.Header{Metadata: text})
		if err != nil {
			return
		}
		if r := geometry.Measure([]*geometry.Image{i, i}); r.Missing < 0 || math.IsNaN(r.Tilt) || r.Instances != 2 {
			t.Errorf("Measure(%s) = %+v", text, r)
		}
	})
}
