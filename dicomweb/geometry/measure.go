package geometry

import (
	"fmt"
	"math"
	"slices"
)

// Report is what was measured of a study.
type Report struct {
	Instances int // all
	Images    int // of those, what is judged: no localizers, no documents
	// Greatest values in mm; Known tells whether every image says it, or, for the
	// spacing of slices, whether a stack could be made.
	Thickness, Pixel, Spacing Length
	// Tilt is how far the stack leans, in degrees: the angle between the normal
	// of the slices and the way from one to the next, else what the scanner says.
	Tilt float64
	// Missing are slices that a stack lacks between others; what lacks at its ends
	// no header tells.
	Missing int
	// Images that were compressed with loss, derived, bear burned-in text, or
	// (CT) lack the rescaling of their grey values.
	Lossy, Derived, BurnedIn, Unscaled int
	// Distinct values, ascending.
	Kernels, Algorithms, Modalities, BodyParts []string
	// Unread are instances whose headers could not be read; they are not measured.
	Unread int
	// Unsited images do not say what part of the body they show.
	Unsited int
}

// Length is a greatest length.
type Length struct {
	Most  float64
	Known bool
}

// Measure measures the images of one study.
func Measure(images []*Image) Report {
	r := Report{Instances: len(images), Thickness: Length{Known: true}, Pixel: Length{Known: true}}
	stacks := map[string][]slice{}
	var judged []*Image
	for _, i := range images {
		if i.Rows == 0 || i.Columns == 0 || slices.Contains(i.Type, "LOCALIZER") {
			continue
		}
		judged = append(judged, i)
		r.image(i)
		for _, f := range i.Frames {
			r.frame(f)
			if f.Placed {
				key := stackOf(i, f)
				stacks[key] = append(stacks[key], slice{i, f})
			}
		}
	}
	r.Images = len(judged)
	if r.Images == 0 {
		r.Thickness.Known, r.Pixel.Known = false, false
	}
	stacked := r.stacks(stacks)
	if !stacked {
		for _, i := range judged {
			r.Tilt = max(r.Tilt, math.Abs(i.Tilt))
		}
	}
	for _, list := range []*[]string{&r.Kernels, &r.Algorithms, &r.Modalities, &r.BodyParts} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return r
}

func (r *Report) image(i *Image) {
	r.Kernels, r.Algorithms = append(r.Kernels, i.Kernels...), append(r.Algorithms, i.Algorithms...)
	r.Modalities = append(r.Modalities, i.Modality)
	if i.BodyPart == "" {
		r.Unsited++
	} else {
		r.BodyParts = append(r.BodyParts, i.BodyPart)
	}
	for count, met := range map[*int]bool{
		&r.Lossy: i.Lossy, &r.BurnedIn: i.BurnedIn, &r.Derived: len(i.Type) > 0 && i.Type[0] == "DERIVED", &r.Unscaled: i.Modality == "CT" && !i.Rescaled,
	} {
		if met {
			*count++
		}
	}
}

func (r *Report) frame(f Frame) {
	r.Thickness.add(f.Thickness)
	r.Pixel.add(f.Pixel[0])
	r.Pixel.add(f.Pixel[1])
}

// add takes one in; what is not said, or nothing, leaves the length unknown.
func (l *Length) add(mm float64) {
	l.Most = max(l.Most, mm)
	l.Known = l.Known && mm > 0
}

// slice is a frame of a stack.
type slice struct {
	*Image
	Frame
}

// stackOf names the stack of a frame: one series, one direction, one size.
func stackOf(i *Image, f Frame) string {
	return fmt.Sprintf("%s %.3f %d %d", i.Series, f.Orientation, i.Rows, i.Columns)
}

// same is the distance in mm below which two slices lie at one place.
const same = 1e-3

// stacks measures how the slices of each stack follow each other; false where
// there is no stack of two.
func (r *Report) stacks(stacks map[string][]slice) (found bool) {
	for _, stack := range stacks {
		normal := cross(stack[0].Orientation)
		slices.SortFunc(stack, func(a, b slice) int {
			return sign(dot(a.Position, normal) - dot(b.Position, normal))
		})
		var steps []float64
		for k := 1; k < len(stack); k++ {
			way := sub(stack[k].Position, stack[k-1].Position)
			step := dot(way, normal)
			if step < same {
				continue
			}
			steps = append(steps, step)
			r.Tilt = max(r.Tilt, lean(way, normal))
		}
		if len(steps) == 0 {
			continue
		}
		found = true
		usual := median(steps)
		for _, step := range steps {
			if gap := int(min(math.Round(step/usual), mostFrames)) - 1; step > 1.5*usual && gap > 0 {
				r.Missing += gap
			}
		}
		r.Spacing.Most, r.Spacing.Known = max(r.Spacing.Most, slices.Max(steps)), true
	}
	return found
}

func median(steps []float64) float64 {
	sorted := slices.Sorted(slices.Values(steps))
	return sorted[len(sorted)/2]
}

// lean is the angle between the way and the normal, in degrees; below a
// hundredth it is rounding.
func lean(way, normal [3]float64) float64 {
	length := math.Sqrt(dot(way, way))
	angle := math.Acos(min(1, dot(way, normal)/length)) * 180 / math.Pi
	if angle < 0.01 {
		return 0
	}
	return angle
}

// cross is the normal of a plane, of length 1.
func cross(o [6]float64) [3]float64 {
	n := [3]float64{o[1]*o[5] - o[2]*o[4], o[2]*o[3] - o[0]*o[5], o[0]*o[4] - o[1]*o[3]}
	if length := math.Sqrt(dot(n, n)); length > 0 {
		for i := range n {
			n[i] /= length
		}
	}
	return n
}

func dot(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func sub(a, b [3]float64) [3]float64 { return [3]float64{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

func sign(f float64) int {
	switch {
	case f < 0:
		return -1
	case f > 0:
		return 1
	}
	return 0
}
