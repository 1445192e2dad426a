package dicomweb

import (
	"image"
	"math"
	"net/http"
	"strconv"
	"strings"

	"tenon/dicomweb/pixel"
	"tenon/fhir/issue"
)

// Query parameters of rendered resources.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.3.5

// rendering is what a request wants of a picture.
type rendering struct {
	media     string
	numbers   []int         // frames; none: all, or the one that stands for them
	window    *pixel.Window // nil: that of the instance
	view      *viewport
	quality   int // of JPEG, 1 to 100
	thumbnail bool
}

// viewport is the place for the picture, and the part of it that is shown.
type viewport struct {
	width, height int
	x, y, dx, dy  float64
	hasPart       bool
}

const (
	defaultQuality = 90
	maxViewport    = 8192
)

// rendering reads the parameters; one that cannot be fulfilled is refused, since
// a picture without it could be taken for one with it.
func (r *request) rendering() (*rendering, error) {
	values, err := r.parameters()
	if err != nil {
		return nil, err
	}
	q := &rendering{quality: defaultQuality}
	for name := range values {
		switch value := values.Get(name); name {
		case "accept", "charset":
		case "window":
			q.window, err = parseWindow(value)
		case "viewport":
			q.view, err = parseViewport(value)
		case "quality":
			if q.quality, err = strconv.Atoi(value); err != nil || q.quality < 1 || q.quality > 100 {
				err = badParameter(name, value, "a whole number from 1 to 100")
			}
		case "annotation":
			err = badParameter(name, value, "nothing: annotations are not burned in here")
		case "iccprofile":
			if value != "no" {
				err = badParameter(name, value, "no: pictures are answered without a profile")
			}
		default:
			err = badParameter(name, value, "one of window, viewport, quality, accept")
		}
		if err == nil && len(values[name]) > 1 && name != "accept" {
			err = badParameter(name, strings.Join(values[name], " and "), "the parameter once")
		}
		if err != nil {
			return nil, err
		}
	}
	return q, nil
}

func badParameter(name, value, expected string) error {
	return issue.Errorf(issue.Invalid, "%s=%.80s: expected is %s.", name, value, expected).At(name).
		Rule("parameter").WithStatus(http.StatusBadRequest)
}

// parseWindow reads center,width,function; without the function: linear.
func parseWindow(value string) (*pixel.Window, error) {
	bad := badParameter("window", value, "center,width,function with a positive width and the function linear, linear-exact or sigmoid")
	parts := strings.Split(value, ",")
	if len(parts) < 2 || len(parts) > 3 {
		return nil, bad
	}
	w := &pixel.Window{}
	var err error
	if w.Center, err = strconv.ParseFloat(strings.TrimSpace(parts[0]), 64); err != nil {
		return nil, bad
	}
	if w.Width, err = strconv.ParseFloat(strings.TrimSpace(parts[1]), 64); err != nil {
		return nil, bad
	}
	ok := true
	if len(parts) == 3 {
		w.Function, ok = pixel.ParseFunction(strings.TrimSpace(parts[2]))
	}
	if !ok || w.Check() != nil {
		return nil, bad
	}
	return w, nil
}

// parseViewport reads vw,vh and, where given, sx,sy,sw,sh; those may be empty.
func parseViewport(value string) (*viewport, error) {
	bad := badParameter("viewport", value, "width,height from 1 to 8192, or width,height,x,y,dx,dy")
	parts := strings.Split(value, ",")
	if len(parts) != 2 && len(parts) != 6 {
		return nil, bad
	}
	v := &viewport{hasPart: len(parts) == 6}
	for i, to := range []*int{&v.width, &v.height} {
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 1 || n > maxViewport {
			return nil, bad
		}
		*to = n
	}
	if !v.hasPart {
		return v, nil
	}
	for i, to := range []*float64{&v.x, &v.y, &v.dx, &v.dy} {
		text := parts[2+i]
		if text == "" && i >= 2 {
			*to = math.MaxUint16 // to the edge
		} else if text != "" {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsNaN(n) || math.Abs(n) > math.MaxUint16 || i < 2 && n < 0 || i >= 2 && n == 0 {
				return nil, bad
			}
			*to = n
		}
	}
	return v, nil
}

// of is the view of a picture of a size. A negative extent mirrors the part.
func (v *viewport) of(size image.Point) (pixel.View, error) {
	view := pixel.View{Width: v.width, Height: v.height}
	if !v.hasPart {
		return view, nil
	}
	view.FlipX, view.FlipY = v.dx < 0, v.dy < 0
	view.Source = image.Rect(int(math.Round(v.x)), int(math.Round(v.y)),
		int(math.Round(v.x+math.Abs(v.dx))), int(math.Round(v.y+math.Abs(v.dy)))).Intersect(image.Rectangle{Max: size})
	if view.Source.Empty() {
		return view, badParameter("viewport", v.String(), "a part inside the picture")
	}
	return view, nil
}

// String is the parameter as it was sent, but for its numbers' form.
func (v *viewport) String() string {
	if v == nil {
		return ""
	}
	text := []string{strconv.Itoa(v.width), strconv.Itoa(v.height)}
	if v.hasPart {
		for _, n := range []float64{v.x, v.y, v.dx, v.dy} {
			text = append(text, strconv.FormatFloat(n, 'g', -1, 64))
		}
	}
	return strings.Join(text, ",")
}
