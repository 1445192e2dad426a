// Package reserve is disk space set aside before it is needed: a file of fixed
// size, written in full when it is made, that takes audit rows while the database
// cannot grow. So reads, which may not leave without their audit, go on when the
// disk is full. It knows nothing of what it keeps, and never grows.
package reserve
