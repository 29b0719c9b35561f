// Publishes or reads messages with go-liftbridge, as the other contenders do, and prints what it took as JSON: seconds,
// cpuSeconds, and peakMemory in bytes.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	lift "github.com/liftbridge-io/go-liftbridge/v2"
)

var (
	host     = flag.String("host", "", "of the server")
	port     = flag.Int("port", 0, "of the server")
	stream   = flag.String("stream", "", "to publish to, or to read")
	messages = flag.Int("messages", 0, "how many")
	size     = flag.Int("size", 0, "bytes of data in each message")
	window   = flag.Int("window", 0, "most messages that are not acked")
)

type measurement struct {
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpuSeconds"`
	PeakMemory int64   `json:"peakMemory"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("publish or replay?")
	}
	task, known := map[string]func(lift.Client) error{"publish": publish, "replay": replay}[os.Args[1]]
	if !known {
		log.Fatalf("there is no task %s", os.Args[1])
	}
	if err := flag.CommandLine.Parse(os.Args[2:]); err != nil {
		log.Fatal(err)
	}
	client, err := lift.Connect([]string{fmt.Sprintf("%s:%d", *host, *port)})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	began, cpuBefore := time.Now(), usage()
	if err := task(client); err != nil {
		log.Fatal(err)
	}
	seconds, after := time.Since(began).Seconds(), usage()
	result := measurement{seconds, cpu(after) - cpu(cpuBefore), peak(after)}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
}

func publish(client lift.Client) error {
	body := make([]byte, *size)
	for i := range body {
		body[i] = 'a'
	}
	room := make(chan struct{}, *window)
	done := make(chan error, 1)
	end := func(err error) {
		select {
		case done <- err:
		default:
		}
	}
	var acked atomic.Int64
	onAck := func(_ *lift.Ack, err error) {
		<-room
		if err != nil {
			end(err)
		} else if acked.Add(1) == int64(*messages) {
			end(nil)
		}
	}
	ctx := context.Background()
	for i := 0; i < *messages; i++ {
		room <- struct{}{}
		if err := client.PublishAsync(ctx, *stream, body, onAck, lift.AckPolicyLeader()); err != nil {
			return err
		}
	}
	return <-done
}

func replay(client lift.Client) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	seen, length := 0, 0
	// called by one goroutine
	onMessage := func(message *lift.Message, err error) {
		if seen == *messages {
			return
		}
		if err != nil {
			seen = *messages
			done <- err
			return
		}
		length += len(message.Value())
		seen++
		if seen == *messages {
			done <- nil
		}
	}
	if err := client.Subscribe(ctx, *stream, onMessage, lift.StartAtEarliestReceived()); err != nil {
		return err
	}
	if err := <-done; err != nil {
		return err
	}
	if length != *messages**size {
		return fmt.Errorf("%d bytes came in %d messages of %d", length, *messages, *size)
	}
	return nil
}

func usage() (taken syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &taken); err != nil {
		log.Fatal(err)
	}
	return taken
}

// The seconds of user and system time.
func cpu(taken syscall.Rusage) float64 {
	return time.Duration(taken.Utime.Nano() + taken.Stime.Nano()).Seconds()
}

func peak(taken syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return taken.Maxrss
	}
	return taken.Maxrss * 1024
}
