#!/bin/bash
# count.sh COUNT_AWK: the counting of ./dev test, on output of ctest with every kind of end: cases
# of cmocka, a failed case, a test that is one case, a crash before cmocka's sum, a test not run, scripts
# that count their own cases.
set -euo pipefail
got=$(awk -f "$1" <<'END'
test 1
    Start 1: lib/test_buf
1: Test command: /x/lib_test_buf
1: [==========] Running 3 test(s).
1: [ RUN      ] a
1: [       OK ] a
1: [==========] 3 test(s) run.
1: [  PASSED  ] 3 test(s).
1/5 Test  #1: lib/test_buf .....................   Passed    0.02 sec
2: [  FAILED  ] b
2: [==========] 3 test(s) run.
2: [  PASSED  ] 2 test(s).
2: [  FAILED  ] 1 test(s), listed below:
2: [  FAILED  ] b
2: 
2:  1 FAILED TEST(S)
2/5 Test  #2: lib/test_b ...................***Failed    0.02 sec
3/5 Test  #3: fuzz/a .......................   Passed    0.02 sec
4: [ RUN      ] a
4/5 Test  #4: lib/crash ....................***Exception: SegFault  0.02 sec
5/5 Test #5: lib/absent .......***Not Run   0.00 sec
6: ok   a
6: 7 passed, 0 failed
6/8 Test  #6: e2e/flows ....................   Passed    0.02 sec
7: FAIL a: got 1, expected 2
7: 2 passed, 3 failed
7/8 Test  #7: e2e/loss .....................***Failed    0.02 sec
8: 5 passed, 0 failed
8/8 Test  #8: e2e/late .....................***Timeout   0.02 sec
END
)
want='failed: lib/test_b
failed: lib/crash
failed: lib/absent
failed: e2e/loss
failed: e2e/late
20 7'
if [ "$got" != "$want" ]; then
	diff -u <(echo "$want") <(echo "$got")
	exit 1
fi
