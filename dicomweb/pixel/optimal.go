package pixel

import "slices"

// codes is a Huffman table for writing.
type codes struct {
	counts [17]int // codes of each length
	values []byte  // by length
	code   [17]uint16
	length [17]int
}

// optimal makes the best table of at most 16 bits for these counts; the code of
// ones alone stays free.
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf (K.2)
func optimal(count [17]int) *codes {
	lengths := huffmanLengths(count)
	t := &codes{}
	for _, l := range lengths {
		if l > 0 {
			t.counts[min(l, 16)]++ // 17 values and the reserved one never exceed 17 bits
		}
	}
	t.settle()
	order := make([]int, 0, 17)
	for v, l := range lengths[:17] {
		if l > 0 {
			order = append(order, v)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return lengths[a] - lengths[b] })
	code, at := uint16(0), 0
	for l := 1; l <= 16; l++ {
		for range t.counts[l] {
			v := order[at]
			t.values = append(t.values, byte(v))
			t.code[v], t.length[v] = code, l
			code++
			at++
		}
		code <<= 1
	}
	return t
}

// huffmanLengths are the lengths of codes for the values and, at 17, for one
// that must not be used.
func huffmanLengths(count [17]int) [18]int {
	var freq [18]int
	copy(freq[:], count[:])
	freq[17] = 1
	var lengths [18]int
	groups := make([][]int, 0, 18)
	weight := make([]int, 0, 18)
	for v, n := range freq {
		if n > 0 {
			groups, weight = append(groups, []int{v}), append(weight, n)
		}
	}
	for len(groups) > 1 {
		a, b := lightest(weight)
		merged := append(slices.Clone(groups[a]), groups[b]...)
		for _, v := range merged {
			lengths[v]++
		}
		groups[a], weight[a] = merged, weight[a]+weight[b]
		groups, weight = slices.Delete(groups, b, b+1), slices.Delete(weight, b, b+1)
	}
	return lengths
}

// lightest finds the two least weights, a before b.
func lightest(weight []int) (a, b int) {
	a, b = 0, 1
	if weight[b] < weight[a] {
		a, b = b, a
	}
	for i := 2; i < len(weight); i++ {
		switch {
		case weight[i] < weight[a]:
			a, b = i, a
		case weight[i] < weight[b]:
			b = i
		}
	}
	return min(a, b), max(a, b)
}

// settle takes the reserved code away, the last of the longest ones, after
// lengths were cut to 16.
func (t *codes) settle() {
	for {
		space := 0
		for l := 1; l <= 16; l++ {
			space += t.counts[l] << (16 - l)
		}
		if space <= 1<<16 {
			break
		}
		t.lengthen()
	}
	for l := 16; l > 0; l-- {
		if t.counts[l] > 0 {
			t.counts[l]--
			return
		}
	}
}

// lengthen moves the longest code that is shorter than 16 bits one bit down.
func (t *codes) lengthen() {
	for l := 15; l > 0; l-- {
		if t.counts[l] > 0 {
			t.counts[l]--
			t.counts[l+1]++
			return
		}
	}
}

// appendSegment appends DHT.
func (t *codes) appendSegment(dst []byte) []byte {
	dst = append(dst, 0xFF, markerDHT, 0, byte(19+len(t.values)), 0)
	for _, n := range t.counts[1:] {
		dst = append(dst, byte(n))
	}
	return append(dst, t.values...)
}
