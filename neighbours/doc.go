// Package neighbours holds the real program against real other programs that write the same tasks file, and counts.
//
//	go test ./neighbours -v                     some seconds a kind of neighbour
//	go test ./neighbours -v -neighbours 30s     so long a kind
//
// Beside each kind 200 fragments a second are dropped, while the neighbour saves 50 times a second (Task Master as fast as it
// can) and somebody reads the file without a pause. Each side keeps books of what it has written, in places of its own: the
// last number that it put into each item, and what it created or appended, which must be there once. In the end, when the
// neighbour has stopped and the agent has nothing more to do, all of it has to stand in the file.
//
// A neighbour that saves in place tears the file itself, and says when and which; only what a reader sees torn at another
// time, or in another file, counts.
package neighbours
