// Command damage reads damaged DICOM: it changes, cuts and repeats bytes of
// whole files and of streams of every transfer syntax, millions of times in one
// process, and does with each what the door does when it stores an instance or
// makes a picture of it. Mutant i of a seed is always the same, so a run can go
// on where another stopped, and what fails can be made again.
//
//	go run ./test/damage -n 1000000 [-from 0] [-seed 1] [-for 30m] [-keep folder]
//
// A crash is counted and its bytes are kept; a mutant that takes more than 64 MB
// of memory, or ten seconds of a busy machine, is counted; one that does not end
// within a minute ends the run, for that is a hang. Files come from
// TENON_TESTDATA where it is set, else only from what is made here.
package main
