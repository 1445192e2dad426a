package jpeg2000_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tenon/dicomweb/pixel/jpeg2000"
)

// kind is what a picture is made of.
type kind struct {
	width, height, components, bits int
	signed                          bool
}

func (k kind) String() string {
	sign := "u"
	if k.signed {
		sign = "s"
	}
	return fmt.Sprintf("%d,%d,%d,%d,%s", k.width, k.height, k.components, k.bits, sign)
}

// picture gives samples with flat parts, edges, slopes and noise, component by
// component.
func (k kind) picture() []int32 {
	out := make([]int32, 0, k.width*k.height*k.components)
	state := uint32(1)
	for c := range k.components {
		for y := range k.height {
			for x := range k.width {
				state = state*1664525 + 1013904223
				v := 0.5 + 0.3*math.Sin(float64(x+7*c)/17)*math.Cos(float64(y)/23)
				switch {
				case x < k.width/5:
					v = 0
				case (x/16+y/16)%7 == 0:
					v = 1
				case y%64 < 20:
					v += float64(state>>16) / (1 << 22)
				}
				n := int32(math.Min(math.Max(v, 0), 1) * float64(int(1)<<k.bits-1))
				if k.signed {
					n -= 1 << (k.bits - 1)
				}
				out = append(out, n)
			}
		}
	}
	return out
}

// raw are the samples as opj_compress reads them, one component after the other.
func (k kind) raw(samples []int32) (b []byte) {
	for _, v := range samples {
		if k.bits <= 8 {
			b = append(b, byte(v))
		} else {
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
	}
	return b
}

func (k kind) samples(b []byte) (out []int32) {
	for len(b) > 0 {
		var v int32
		if k.bits <= 8 {
			v, b = int32(b[0]), b[1:]
		} else {
			v, b = int32(binary.LittleEndian.Uint16(b)), b[2:]
		}
		if k.signed {
			v = v << (32 - k.bits) >> (32 - k.bits)
		}
		out = append(out, v)
	}
	return out
}

// run runs a program of OpenJPEG.
func run(t testing.TB, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed (package libopenjp2-tools)", name)
	}
	if text, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, text)
	}
}

// encoded are the samples as OpenJPEG encodes them.
func (k kind) encoded(t testing.TB, samples []int32, options string) []byte {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "in.rawl"), filepath.Join(t.TempDir(), "out.j2k")
	if err := os.WriteFile(in, k.raw(samples), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "opj_compress", append([]string{"-i", in, "-o", out, "-F", k.String()}, strings.Fields(options)...)...)
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reference are the samples as OpenJPEG decodes them.
func (k kind) reference(t testing.TB, stream []byte) []int32 {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "in.j2k"), filepath.Join(t.TempDir(), "out.rawl")
	if err := os.WriteFile(in, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "opj_decompress", "-i", in, "-o", out)
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return k.samples(b)
}

// decoded are the samples as they are decoded here.
func decoded(t testing.TB, stream []byte) ([]int32, *jpeg2000.Codestream) {
	t.Helper()
	c, err := jpeg2000.Open(stream)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]int32, c.Width*c.Height*len(c.Components))
	if err := c.Decode(func(component, x, y int, row []int32) {
		copy(out[(component*c.Height+y)*c.Width+x:], row)
	}); err != nil {
		t.Fatal(err)
	}
	return out, c
}

// farthest is the greatest difference, and where it is.
func farthest(a, b []int32) (most int32, at int) {
	if len(a) != len(b) {
		return math.MaxInt32, 0
	}
	for i := range a {
		if d := max(a[i]-b[i], b[i]-a[i]); d > most {
			most, at = d, i
		}
	}
	return most, at
}

var kinds = []kind{
	{200, 150, 1, 8, false}, {200, 150, 1, 12, false}, {131, 77, 1, 16, true}, {131, 77, 1, 16, false},
	{97, 130, 3, 8, false}, {64, 65, 3, 12, false}, {50, 40, 3, 8, true},
}

// Every way to code a picture without loss gives the picture back.
func TestDecodeWithoutLoss(t *testing.T) {
	for _, options := range []string{
		"", "-n 1", "-n 2", "-b 32,32", "-b 4,4", "-b 4,1024", "-b 1024,4",
		"-p LRCP -r 20,10,1", "-p RLCP -r 20,10,1", "-p RPCL -r 20,1", "-p PCRL -r 20,1", "-p CPRL -r 20,1",
		"-p RPCL -c [32,32]", "-p PCRL -c [64,32],[16,16]", "-p CPRL -c [32,32],[32,32],[16,16],[8,8]", "-c [256,256],[128,128] -p LRCP",
		"-t 64,64", "-t 67,77 -p RPCL -c [64,64]", "-t 50,40 -n 3 -p PCRL -r 30,1", "-t 70,80 -TP R -p RLCP", "-TP L -r 10,1 -t 70,80", "-TP C -p CPRL",
		"-d 13,7", "-d 13,7 -t 40,40 -T 5,3", "-d 1,1 -t 61,33 -T 1,0 -p PCRL -c [32,32]",
		"-SOP", "-EPH", "-SOP -EPH -r 8,4,1", "-PLT",
		"-M 1", "-M 2", "-M 4", "-M 8", "-M 16", "-M 32", "-M 63", "-M 5", "-M 13", "-M 9", "-M 42 -r 20,5,1", "-M 63 -r 20,10,1 -b 16,16", "-M 1 -r 9,4,1",
		"-POC T0=0,0,1,3,3,RPCL/T0=3,0,1,6,3,LRCP",
		"-mct 0",
	} {
		t.Run(options, func(t *testing.T) {
			for _, k := range kinds {
				want := k.picture()
				got, c := decoded(t, k.encoded(t, want, options))
				if d, at := farthest(got, want); d > 0 {
					t.Errorf("%v: samples differ by up to %d, at %d", k, d, at)
				}
				if c.Width != k.width || c.Height != k.height || len(c.Components) != k.components || !c.Reversible || c.Components[0] != (jpeg2000.Component{Bits: k.bits, Signed: k.signed}) {
					t.Errorf("%v: header %+v", k, c.Header)
				}
			}
		})
	}
}

// With loss, the picture is the one that OpenJPEG decodes but for rounding.
func TestDecodeWithLoss(t *testing.T) {
	for _, options := range []string{
		"-I", "-I -r 10", "-I -r 40,20,5 -p RLCP", "-I -n 1 -r 5", "-I -t 64,64 -r 10", "-I -M 1 -r 8", "-I -q 30,45", "-I -d 5,3 -t 41,50 -p PCRL -r 6",
		"-r 10", "-r 40,20", "-r 15 -t 64,64 -p RPCL", "-r 8 -M 37",
	} {
		t.Run(options, func(t *testing.T) {
			for _, k := range kinds {
				stream := k.encoded(t, k.picture(), options)
				got, _ := decoded(t, stream)
				most := int32(1)
				if k.bits > 12 && strings.Contains(options, "-I") {
					most = 3 // OpenJPEG's 2/K is 1.625732, and not 1.625786
				}
				if d, at := farthest(got, k.reference(t, stream)); d > most {
					t.Errorf("%v: samples differ by up to %d, at %d", k, d, at)
				}
			}
		})
	}
}

// A region of interest that was shifted comes back to its place.
func TestDecodeRegionOfInterest(t *testing.T) {
	for _, options := range []string{"-ROI c=0,U=7", "-ROI c=0,U=9 -I -r 10", "-ROI c=0,U=3"} {
		for _, k := range kinds[:2] {
			stream := k.encoded(t, k.picture(), options)
			got, _ := decoded(t, stream)
			if d, at := farthest(got, k.reference(t, stream)); d > 1 {
				t.Errorf("%s, %v: samples differ by up to %d, at %d", options, k, d, at)
			}
		}
	}
}

// Small streams decode where OpenJPEG is not there, too.
func TestDecodeCorpus(t *testing.T) {
	for _, s := range slices.Concat(corpus, corpusHT) {
		got, c := decoded(t, unhex(t, s.stream))
		most := int32(0)
		if !c.Reversible {
			most = 4
		}
		if d, at := farthest(got, s.kind.picture()); d > most {
			t.Errorf("%v %s: samples differ by up to %d, at %d", s.kind, s.options, d, at)
		}
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
