package dicomweb

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/png"
	"io"
	"strconv"
	"sync"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/dicomweb/pixel"
)

// picture is an instance that is open to be rendered.
type picture struct {
	row    *index.Result
	file   *stored
	table  *dicom.FrameTable
	header *dicom.File // attributes before the pixel data
	format pixel.Format
	done   func()
}

// picture opens an instance and reads its attributes up to the pixel data.
func (d *Door) picture(r *request, row *index.Result) (*picture, error) {
	c := &row.Instance.Content
	if len(c.Frames) == 0 {
		return nil, notRendered("it holds no pixel data whose frames can be told apart")
	}
	table, err := dicom.ParseFrameTable(c.Frames)
	if err != nil {
		return nil, err
	}
	file, err := d.open(r.Context(), c)
	if err != nil {
		return nil, err
	}
	reader := d.readers.Get().(*dicom.Reader)
	p := &picture{row: row, file: file, table: table}
	p.done = func() {
		_ = file.Close()
		if !reader.Heavy() {
			d.readers.Put(reader)
		}
	}
	if p.header, err = reader.Read(file, dicom.Options{Limits: d.o.Limits, StopAtPixels: true}); err != nil {
		p.close()
		return nil, fmt.Errorf("dicomweb: header of an instance: %w", err)
	}
	p.format = p.formatOf()
	return p, nil
}

func (p *picture) close() { p.done() }

func (p *picture) formatOf() pixel.Format {
	n := func(tag dicom.Tag, otherwise int) int {
		if v, ok := p.header.Int(tag); ok && v >= -1 && v <= 1<<16 {
			return int(v)
		}
		return otherwise
	}
	f := pixel.Format{Rows: n(dicom.Rows, 0), Columns: n(dicom.Columns, 0), Samples: n(dicom.SamplesPerPixel, 1),
		Allocated: n(dicom.BitsAllocated, 0), Signed: n(dicom.PixelRepresentation, 0) == 1,
		Planar: n(planarConfiguration, 0) == 1, Photometric: p.header.String(photometric)}
	f.Stored = n(bitsStored, f.Allocated)
	f.High = n(highBit, f.Stored-1)
	f.Subsampled = f.Photometric == pixel.YBRFull422
	return f
}

// Tags of the Image Pixel module that only pixels need.
const (
	photometric         dicom.Tag = 0x00280004
	planarConfiguration dicom.Tag = 0x00280006
	bitsStored          dicom.Tag = 0x00280101
	highBit             dicom.Tag = 0x00280102
)

// maxStream bounds the bytes of one frame as it is stored.
const maxStream = pixel.MaxFrame + 1<<20

// frame decodes frame n.
func (p *picture) frame(n int) (*pixel.Frame, error) {
	var stream []byte
	return p.frameIn(&stream, n)
}

// frameIn reads the stream to where there is room, or to a new place. The frame
// is good as long as that is left alone.
func (p *picture) frameIn(room *[]byte, n int) (*pixel.Frame, error) {
	if err := p.format.Check(); err != nil {
		return nil, err
	}
	body, size, err := frameBody(p.row, p.file, p.table, n)
	if err != nil {
		return nil, err
	}
	if size > maxStream {
		return nil, fmt.Errorf("a frame stored in %d bytes: %w", size, pixel.ErrTooLarge)
	}
	if int64(cap(*room)) < size {
		*room = make([]byte, size)
	}
	stream := (*room)[:size]
	if _, err := io.ReadFull(body, stream); err != nil {
		return nil, fmt.Errorf("dicomweb: a frame: %w", err)
	}
	syntax := p.row.Instance.TransferSyntax
	if x, _ := dicom.SyntaxOf(syntax); !x.Encapsulated {
		syntax = dicom.ExplicitLittleEndian // frameBody swapped the words
	}
	return pixel.Decode(syntax, p.format, stream)
}

// streams are places for what a frame is decoded from, up to a size that is common.
var streams = sync.Pool{New: func() any { return new([]byte) }}

const maxRoom = 4 << 20

// image renders frame n.
func (p *picture) image(n int, want *rendering) (image.Image, error) {
	room := streams.Get().(*[]byte)
	defer func() {
		if cap(*room) <= maxRoom {
			streams.Put(room)
		}
	}()
	f, err := p.frameIn(room, n)
	if err != nil {
		return nil, err
	}
	look, err := p.look(n)
	if err != nil {
		return nil, err
	}
	if want.window != nil {
		look.Window, look.VOI = want.window, nil
	}
	img, err := pixel.Render(f, look)
	if err != nil || want.view == nil {
		return img, err
	}
	view, err := want.view.of(img.Bounds().Size())
	if err != nil {
		return nil, err
	}
	return pixel.Scale(img, view), nil
}

// still is one frame as JPEG or PNG.
func (p *picture) still(n int, want *rendering) ([]byte, error) {
	img, err := p.image(n, want)
	if err != nil {
		return nil, err
	}
	if want.media != imagePNG {
		return pixel.EncodeJPEG(img, want.quality)
	}
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	err = e.Encode(&b, img)
	return b.Bytes(), err
}

// maxMoving bounds the pixels of all frames of a moving picture.
const maxMoving = 64 << 20

// moving is a GIF of frames.
func (p *picture) moving(numbers []int, want *rendering) ([]byte, error) {
	g := &gif.GIF{}
	left := maxMoving
	for _, n := range numbers {
		img, err := p.image(n, want)
		if err != nil {
			return nil, err
		}
		if left -= img.Bounds().Dx() * img.Bounds().Dy(); left < 0 {
			return nil, fmt.Errorf("%d frames in one picture: ask for fewer frames, or a smaller viewport: %w", len(numbers), pixel.ErrTooLarge)
		}
		g.Image = append(g.Image, paletted(img))
		g.Delay = append(g.Delay, p.delay())
	}
	var b bytes.Buffer
	err := gif.EncodeAll(&b, g)
	return b.Bytes(), err
}

var greys = func() (p color.Palette) {
	for i := range 256 {
		p = append(p, color.Gray{uint8(i)})
	}
	return p
}()

// paletted keeps every grey; colour is dithered.
func paletted(img image.Image) *image.Paletted {
	if grey, ok := img.(*image.Gray); ok {
		return &image.Paletted{Pix: grey.Pix, Stride: grey.Stride, Rect: grey.Rect, Palette: greys}
	}
	out := image.NewPaletted(img.Bounds(), palette.Plan9)
	draw.FloydSteinberg.Draw(out, out.Rect, img, image.Point{})
	return out
}

// delay is the time of a frame in hundredths of a second (PS3.3 C.7.6.5).
func (p *picture) delay() int {
	if ms := p.number(-1, 0x00181063); ms > 0 && ms < 1e6 { // FrameTime
		return max(1, int(ms/10+0.5))
	}
	for _, rate := range []dicom.Tag{0x00082144, 0x00180040} { // RecommendedDisplayFrameRate, CineRate
		if n := p.number(-1, rate); n > 0 && n <= 1000 {
			return max(1, int(100/n+0.5))
		}
	}
	return 10
}

// representative is the frame that stands for the instance: the one that it
// names, else the first, of a thumbnail the middle one.
func (p *picture) representative(middle bool) int {
	if n, ok := p.header.Int(0x00286010); ok && n >= 1 && n <= int64(p.table.Count) {
		return int(n)
	}
	if middle {
		return (p.table.Count + 1) / 2
	}
	return 1
}

// number is the first value of an attribute as a number; 0 where it has none.
func (p *picture) number(item int, tag dicom.Tag) float64 {
	n, err := strconv.ParseFloat(p.header.StringIn(item, tag), 64)
	if err != nil {
		return 0
	}
	return n
}
