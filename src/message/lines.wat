;; The two loops over a message's bytes that must be fast, with 16 bytes a step: the rule of line ends that
;; message/lines.ts states (and does in plain JavaScript), once for its facts (scan) and once for the wire (convert).
;; Both take the bytes from $at to $end and may be called again with the bytes that follow: what is undecided is
;; kept in $crs (CRs at the end so far) and $start (1 at the start of a line). Both read up to 16 bytes beyond $end,
;; and convert writes up to 16 bytes beyond what it returns. Compiled by scripts/wat.mjs.
(module
  (import "js" "memory" (memory 1))

  (global $crs (export "crs") (mut i32) (i32.const 0))
  (global $start (export "start") (mut i32) (i32.const 1))

  ;; What scan has found so far, in octets: size is that of the lines that are ended, with their CRLF, and line the
  ;; length of the one that is not.
  (global $size (export "size") (mut i64) (i64.const 0))
  (global $line (export "line") (mut i64) (i64.const 0))
  (global $longest (export "longest") (mut i64) (i64.const 0))
  (global $eightBit (export "eightBit") (mut i32) (i32.const 0))
  (global $nul (export "nul") (mut i32) (i32.const 0))
  (global $dot (export "dot") (mut i32) (i32.const 0))

  ;; RUN_LIMIT of message/lines.ts.
  (global $limit i32 (i32.const 65536))

  ;; One bit for each of the 16 bytes that is CR or LF.
  (func $ends (param $v v128) (result i32)
    (i8x16.bitmask
      (v128.or
        (i8x16.eq (local.get $v) (i8x16.splat (i32.const 13)))
        (i8x16.eq (local.get $v) (i8x16.splat (i32.const 10))))))

  ;; Writes the bytes with CRLF line ends to $to, and a dot before each dot that starts a line where $dots is 1.
  ;; Returns the end of what it wrote: at most 2 * (end - at + crs) octets.
  (func (export "convert") (param $at i32) (param $end i32) (param $to i32) (param $dots i32) (result i32)
    (local $crs i32) (local $start i32) (local $byte i32) (local $n i32) (local $v v128)
    (local.set $crs (global.get $crs))
    (local.set $start (global.get $start))

    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $byte (i32.load8_u (local.get $at)))

        ;; LF, with all CRs before it: one line end.
        (if (i32.eq (local.get $byte) (i32.const 10))
          (then
            (i32.store16 (local.get $to) (i32.const 0x0a0d))
            (local.set $to (i32.add (local.get $to) (i32.const 2)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $crs (i32.const 0))
            (local.set $start (i32.const 1))
            (br $next)))

        ;; CR: undecided.
        (if (i32.eq (local.get $byte) (i32.const 13))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $crs (i32.add (local.get $crs) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $crs) (global.get $limit)))))

        ;; Bare CRs: as many line ends.
        (if (local.get $crs)
          (then
            (loop $bare
              (i32.store16 (local.get $to) (i32.const 0x0a0d))
              (local.set $to (i32.add (local.get $to) (i32.const 2)))
              (local.set $crs (i32.sub (local.get $crs) (i32.const 1)))
              (br_if $bare (local.get $crs)))
            (local.set $start (i32.const 1))
            (br $next)))

        (if (i32.and (i32.and (local.get $start) (local.get $dots)) (i32.eq (local.get $byte) (i32.const 46)))
          (then
            (i32.store8 (local.get $to) (i32.const 46))
            (local.set $to (i32.add (local.get $to) (i32.const 1)))))
        (local.set $start (i32.const 0))

        ;; The rest of the line.
        (loop $more
          (local.set $v (v128.load (local.get $at)))
          (v128.store (local.get $to) (local.get $v))
          (local.set $n (call $ends (local.get $v)))
          (if (i32.eqz (local.get $n))
            (then
              (local.set $at (i32.add (local.get $at) (i32.const 16)))
              (local.set $to (i32.add (local.get $to) (i32.const 16)))
              (br_if $more (i32.lt_u (local.get $at) (local.get $end))))
            (else
              (local.set $n (i32.ctz (local.get $n)))
              (local.set $at (i32.add (local.get $at) (local.get $n)))
              (local.set $to (i32.add (local.get $to) (local.get $n))))))

        (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))

    (global.set $crs (local.get $crs))
    (global.set $start (local.get $start))
    ;; Back from what was read beyond the end.
    (i32.sub (local.get $to) (i32.sub (local.get $at) (local.get $end))))

  ;; One bit for each byte of four vectors that is $byte.
  (func $bits (param $a v128) (param $b v128) (param $c v128) (param $d v128) (param $byte i32) (result i64)
    (local $v v128)
    (local.set $v (i8x16.splat (local.get $byte)))
    (i64.or
      (i64.or
        (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $a) (local.get $v))))
        (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $b) (local.get $v)))) (i64.const 16)))
      (i64.or
        (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $c) (local.get $v)))) (i64.const 32))
        (i64.shl (i64.extend_i32_u (i8x16.bitmask (i8x16.eq (local.get $d) (local.get $v)))) (i64.const 48)))))

  ;; Adds the facts of the bytes to the globals. The 16 bytes from $end on are overwritten with spaces, so that
  ;; what is read beyond the end changes nothing.
  ;;
  ;; Where no CR is bare and a line of 64 octets has been seen, 64 bytes are a step of their own, without a branch
  ;; that depends on where the lines end: of the lines in them only the first can be the longest so far.
  (func (export "scan") (param $at i32) (param $end i32)
    (local $crs i32) (local $start i32) (local $byte i32) (local $n i32) (local $run i32)
    (local $all v128) (local $least v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $lf i64) (local $cr i64) (local $line i64)
    (local.set $crs (global.get $crs))
    (local.set $start (global.get $start))
    (local.set $least (i8x16.splat (i32.const 0xff)))
    (v128.store (local.get $end) (i8x16.splat (i32.const 32)))

    (block $done
      (loop $next
        (block $singly
          (br_if $singly (i64.lt_u (global.get $longest) (i64.const 64)))
          (loop $blocks
            (br_if $singly (local.get $crs))
            (br_if $singly (i32.gt_u (i32.add (local.get $at) (i32.const 64)) (local.get $end)))
            (local.set $a (v128.load (local.get $at)))
            (local.set $b (v128.load offset=16 (local.get $at)))
            (local.set $c (v128.load offset=32 (local.get $at)))
            (local.set $d (v128.load offset=48 (local.get $at)))
            (local.set $lf
              (call $bits (local.get $a) (local.get $b) (local.get $c) (local.get $d) (i32.const 10)))
            (local.set $cr
              (call $bits (local.get $a) (local.get $b) (local.get $c) (local.get $d) (i32.const 13)))

            ;; A CR with no LF behind it, but for one at the end, which is undecided.
            (br_if $singly
              (i64.ne
                (i64.const 0)
                (i64.and
                  (i64.and (local.get $cr) (i64.const 0x7fffffffffffffff))
                  (i64.xor (i64.shr_u (local.get $lf) (i64.const 1)) (i64.const -1)))))

            (local.set $all
              (v128.or
                (local.get $all)
                (v128.or
                  (v128.or (local.get $a) (local.get $b))
                  (v128.or (local.get $c) (local.get $d)))))
            (local.set $least
              (i8x16.min_u
                (local.get $least)
                (i8x16.min_u
                  (i8x16.min_u (local.get $a) (local.get $b))
                  (i8x16.min_u (local.get $c) (local.get $d)))))
            (if
              (i64.ne
                (i64.const 0)
                (i64.and
                  (call $bits (local.get $a) (local.get $b) (local.get $c) (local.get $d) (i32.const 46))
                  (i64.or (i64.shl (local.get $lf) (i64.const 1)) (i64.extend_i32_u (local.get $start)))))
              (then (global.set $dot (i32.const 1))))
            (local.set $start (i32.wrap_i64 (i64.shr_u (local.get $lf) (i64.const 63))))
            (local.set $crs (i32.wrap_i64 (i64.shr_u (local.get $cr) (i64.const 63))))

            ;; The first line that ends here, without a CR before its LF.
            (local.set $line
              (i64.sub
                (i64.add (global.get $line) (i64.ctz (local.get $lf)))
                (i64.extend_i32_u
                  (i64.ne
                    (i64.const 0)
                    (i64.and
                      (i64.shl (local.get $cr) (i64.const 1))
                      (i64.and (local.get $lf) (i64.sub (i64.const 0) (local.get $lf))))))))
            (global.set $longest
              (select
                (local.get $line)
                (global.get $longest)
                (i32.and
                  (i64.ne (local.get $lf) (i64.const 0))
                  (i64.gt_u (local.get $line) (global.get $longest)))))

            ;; What follows the last LF begins or goes on with the line that is not ended; all else is.
            (local.set $line (i64.sub (i64.clz (local.get $lf)) (i64.shr_u (local.get $cr) (i64.const 63))))
            (local.set $line
              (select
                (local.get $line)
                (i64.add (global.get $line) (local.get $line))
                (i64.ne (local.get $lf) (i64.const 0))))
            (global.set $size
              (i64.add
                (i64.sub (i64.add (global.get $size) (global.get $line)) (local.get $line))
                (i64.add
                  (i64.sub (i64.const 64) (i64.popcnt (i64.or (local.get $lf) (local.get $cr))))
                  (i64.shl (i64.popcnt (local.get $lf)) (i64.const 1)))))
            (global.set $line (local.get $line))

            (local.set $at (i32.add (local.get $at) (i32.const 64)))
            (br $blocks)))

        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $byte (i32.load8_u (local.get $at)))

        (if (i32.eq (local.get $byte) (i32.const 10))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $crs (i32.const 0))
            (local.set $start (i32.const 1))
            (call $endLine)
            (br $next)))

        (if (i32.eq (local.get $byte) (i32.const 13))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $crs (i32.add (local.get $crs) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $crs) (global.get $limit)))))

        (if (local.get $crs)
          (then
            (loop $bare
              (call $endLine)
              (local.set $crs (i32.sub (local.get $crs) (i32.const 1)))
              (br_if $bare (local.get $crs)))
            (local.set $start (i32.const 1))
            (br $next)))

        (if (i32.and (local.get $start) (i32.eq (local.get $byte) (i32.const 46)))
          (then (global.set $dot (i32.const 1))))
        (local.set $start (i32.const 0))

        (local.set $run (local.get $at))
        (loop $more
          (local.set $a (v128.load (local.get $at)))
          (local.set $all (v128.or (local.get $all) (local.get $a)))
          (local.set $least (i8x16.min_u (local.get $least) (local.get $a)))
          (local.set $n (call $ends (local.get $a)))
          (if (i32.eqz (local.get $n))
            (then
              (local.set $at (i32.add (local.get $at) (i32.const 16)))
              (br_if $more (i32.lt_u (local.get $at) (local.get $end)))
              (local.set $at (local.get $end)))
            (else
              (local.set $at (i32.add (local.get $at) (i32.ctz (local.get $n)))))))
        (global.set $line
          (i64.add (global.get $line) (i64.extend_i32_u (i32.sub (local.get $at) (local.get $run)))))

        (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))

    (if (i8x16.bitmask (local.get $all)) (then (global.set $eightBit (i32.const 1))))
    (if (i32.eqz (i8x16.all_true (local.get $least))) (then (global.set $nul (i32.const 1))))
    (global.set $crs (local.get $crs))
    (global.set $start (local.get $start)))

  ;; Counts a line end.
  (func $endLine
    (global.set $size (i64.add (i64.add (global.get $size) (global.get $line)) (i64.const 2)))
    (if (i64.gt_u (global.get $line) (global.get $longest))
      (then (global.set $longest (global.get $line))))
    (global.set $line (i64.const 0)))
)
