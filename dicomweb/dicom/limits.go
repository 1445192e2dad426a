package dicom

// Limits bound what one file may cost; the zero value of a field means the
// default beside it.
type Limits struct {
	Tokens    int   // elements, items and fragments: 1 Mi
	Depth     int   // nested sequences: 32
	Value     int64 // bytes of one value that is kept; a longer one keeps its place only: 64 KiB
	Kept      int64 // bytes of all values that are kept: 64 MiB
	Inflated  int64 // bytes that a deflated data set may grow to: 4 GiB
	Fragments int   // fragments of encapsulated pixel data: 1 Mi
}

func (l Limits) withDefaults() Limits {
	def(&l.Tokens, 1<<20)
	def(&l.Depth, 32)
	def(&l.Value, 64<<10)
	def(&l.Kept, 64<<20)
	def(&l.Inflated, 4<<30)
	def(&l.Fragments, 1<<20)
	return l
}

func def[T int | int64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
