/* The ledger and the fence, written down a third time, for SPIN.
 *
 * Two or three jobs and one that heals, a fleet of two tenants that one request redeploys, and one
 * pointer. What is modelled, what is left out and what each switch must show: docs/third_opinion.md.
 * A ledger swap is one atomic step: a compare-and-swap that wins is a transaction at that instant,
 * and one that loses changes nothing and is decided anew.
 */

#ifndef JOBS
#define JOBS 2      /* jobs beside the one that heals: releases 1, 2 and THIRD */
#endif
#ifndef THIRD
#define THIRD 1     /* which release the third job deploys: 1 and 2 re-run, 3 is newer */
#endif
#ifndef FENCE
#define FENCE 2     /* 0 none, 1 at the door, 2 as the change lands */
#endif
#ifndef FAULTS
#define FAULTS 2    /* timeouts: the sender gives up on a request that is under way */
#endif
#ifndef CRASHES
#define CRASHES 1   /* jobs that die; what they sent goes on */
#endif
#ifndef EXPIRIES
#define EXPIRIES 1  /* leases of living jobs that another one calls run out */
#endif
#ifndef STALE
#define STALE 1     /* looks that a draining tenant or a cache answers as of a landing ago */
#endif

/* Something that has to be able to happen, or else all that holds holds of nothing: with SOMETIMES
 * set to its number SPIN must find a way there. */
#ifndef SOMETIMES
#define SOMETIMES 0
#endif
#define LANDS_AFTER_DEATH  1
#define CLOCK_REFUSES      2
#define OVERTAKEN_MIDWAY   3
#define HEALER_SENDS       4
#define FENCE_REFUSES      5
#define SAME_CLAIMS_AGAIN  6
#define CAN_HAPPEN(n, when) assert(SOMETIMES != n || !(when))

#define HEALER   JOBS
#define NEWEST   ((JOBS > 2 && THIRD > 2) -> 3 : 2)
#define FLEET    0
#define POINTER  1

/* A request and its intent have one number: job, step, attempt. It goes to three places at most:
 * both tenants, or the pointer. */
#define REQUEST(j, s, a)   ((j) * 4 + (s) * 2 + (a))
#define BIT(n)             (1 << (n))
#define TO_PLACE(j, r, a)  ((j) * 6 + (r) * 2 + (a))
#define FLIGHTS_OF(j, s, a) \
  ((s) == FLEET -> (BIT(TO_PLACE(j, 0, a)) | BIT(TO_PLACE(j, 1, a))) : BIT(TO_PLACE(j, 2, a)))

/* Production: tenants 0 and 1, the pointer 2; and the highest epoch that the fleet has seen. */
byte place[3];
byte fence;

/* The ledger's record. */
byte epoch, mark;
byte holder;        /* 0 is nobody, else job + 1 */
int intents;

/* What is on its way, and which of it nobody waits for any more. */
int flights, gone;
byte sent_epoch[4];

/* The jobs. late: so much time has passed since a job's swap that it may not send any more. */
byte release[4];
bit dead[4], ended[4], late[4];
byte unsent[4];     /* the number of the intent that is written and not sent yet, plus one */

byte faults = FAULTS, crashes = CRASHES, expiries = EXPIRIES, stale = STALE;
bit healing;

#define IS_OURS       (holder == j + 1 && epoch == mine)
#ifdef NO_MARK
#define IS_OVERTAKEN  false
#else
#define IS_OVERTAKEN  (mark > release[j])
#endif
#ifdef NO_LEASE
#define IS_SILENT     false  /* a hold that no silence ends */
#else
#define IS_SILENT     dead[holder - 1]
#endif
#define SAME_LIVES    (holder != 0 && holder != j + 1 && release[holder - 1] == release[j] \
                       && !IS_SILENT)

/* Where a job stands when the record may not be its own any more (sentence 5). */
#define STAND \
  if \
  :: IS_OVERTAKEN -> \
       CAN_HAPPEN(OVERTAKEN_MIDWAY, attempt[0] > 0); \
       if :: holder == j + 1 -> holder = 0 :: else fi; \
       goto done \
  :: !IS_OVERTAKEN && IS_OURS -> skip \
  :: !IS_OVERTAKEN && !IS_OURS && mark == release[j] && claims < 2 -> \
       CAN_HAPPEN(SAME_CLAIMS_AGAIN, true); \
       goto observe \
  :: else -> goto done \
  fi

/* One step (sentences 5 to 8): look, write the intent, check the clock, send, take the answer. A
 * second attempt is a new step. */
#define STEP(s, look_again, is_right, is_newer, next) \
look_again: \
  atomic { \
    if \
    :: is_right -> goto next \
    :: is_newer -> STAND; goto finish \
    :: is_newer && stale > 0 && !healing && attempt[s] < 2 -> stale-- \
    :: !is_right && !is_newer -> if :: attempt[s] >= 2 -> goto finish :: else fi \
    fi \
  }; \
  do \
  :: atomic { IS_BLIND(s) -> SEND(s); break } \
  :: atomic { \
       !IS_BLIND(s) -> \
         STAND; \
         intents = intents | BIT(REQUEST(j, s, attempt[s])); \
         unsent[j] = REQUEST(j, s, attempt[s]) + 1; \
         late[j] = 0 \
     }; \
     atomic { \
       unsent[j] = 0; \
       if \
       :: late[j] && CHECKS_CLOCK -> \
            CAN_HAPPEN(CLOCK_REFUSES, true); \
            late[j] = 0; intents = intents & ~BIT(REQUEST(j, s, attempt[s])) \
       :: else -> late[j] = 0; SEND(s); break \
       fi \
     } \
  od; \
  if \
  :: atomic { \
       (flights & FLIGHTS_OF(j, s, attempt[s])) == 0 -> is_unanswered = 0 \
     }; \
     atomic { \
       intents = intents & ~BIT(REQUEST(j, s, attempt[s])); \
       FORGET_FIRST(s); \
       attempt[s]++ \
     } \
  :: atomic { \
       faults > 0 && !healing -> \
         faults--; is_unanswered = 1; \
         gone = gone | BIT(REQUEST(j, s, attempt[s])); \
         FORGET_TIMED_OUT(s); \
         attempt[s]++ \
     } \
  fi; \
  goto look_again

/* Sending is arriving: the door compares the epoch here. */
#define SEND(s) \
  if \
  :: s == FLEET && FENCE > 0 && mine < fence -> skip \
  :: else -> \
       if :: s == FLEET && FENCE > 0 && mine > fence -> fence = mine :: else fi; \
       CAN_HAPPEN(HEALER_SENDS, healing); \
       sent_epoch[j] = mine; \
       flights = flights | FLIGHTS_OF(j, s, attempt[s]) \
  fi

#ifdef BLIND_RETRY
#define IS_BLIND(s) (attempt[s] == 1 && is_unanswered)
#else
#define IS_BLIND(s) false
#endif
#ifdef NO_CLOCK_CHECK
#define CHECKS_CLOCK false
#else
#define CHECKS_CLOCK true
#endif
#ifdef ACK_TIMEOUT
#define FORGET_TIMED_OUT(s) intents = intents & ~BIT(REQUEST(j, s, attempt[s]))
#else
#define FORGET_TIMED_OUT(s) skip
#endif
#ifdef ACK_SECOND
#define FORGET_FIRST(s) intents = intents & ~BIT(REQUEST(j, s, 0))
#else
#define FORGET_FIRST(s) skip
#endif

/* Whoever takes over drops an intent, the lowest first, once its bound has passed: by then its
 * request has landed or died, and a job that has not sent it yet finds its clock too far on. */
#define DROP(n, of, s, a) \
  :: atomic { \
       IS_OURS && !IS_OVERTAKEN && (intents & BIT(n)) && (intents & (BIT(n) - 1)) == 0 \
         && (IS_TIMER_FREE || (flights & FLIGHTS_OF(of, s, a)) == 0) -> \
         intents = intents & ~BIT(n); \
         if :: unsent[of] == n + 1 -> late[of] = 1 :: else fi \
     }
#define DROP_ALL(of) \
  DROP(REQUEST(of, 0, 0), of, 0, 0) DROP(REQUEST(of, 0, 1), of, 0, 1) \
  DROP(REQUEST(of, 1, 0), of, 1, 0) DROP(REQUEST(of, 1, 1), of, 1, 1)
#ifdef FREE_TIMER
#define IS_TIMER_FREE true
#else
#define IS_TIMER_FREE false
#endif

proctype Job(byte j) {
  byte mine, claims, r;
  byte attempt[2];
  bit is_unanswered;
  if :: j == HEALER -> healing :: else fi;
  {
    claims = 0;
observe:  /* Sentence 2: whoever sees a newer release raises the mark to it. */
    r = 0;
    do
    :: atomic {
         r < 3 && place[r] > release[j] ->
           if :: mark < place[r] -> mark = place[r] :: else fi;
           goto done
       }
    :: atomic { r < 3 && place[r] <= release[j] -> r++ }
    :: atomic { r < 3 && place[r] > release[j] && stale > 0 && !healing -> stale--; r++ }
    :: atomic { r == 3 -> r = 0; break }
    od;
#ifdef CHECK_BEFORE_SWAP
    atomic { if :: IS_OVERTAKEN -> goto done :: else fi };
#endif
    atomic {  /* Sentence 3: the order is compared in the swap that takes the epoch. */
      (IS_OVERTAKEN || !SAME_LIVES || expiries > 0) ->
#ifndef CHECK_BEFORE_SWAP
        if :: IS_OVERTAKEN -> goto done :: else fi;
#endif
        if :: SAME_LIVES -> expiries-- :: else fi;
        epoch++; mine = epoch; claims++;
        mark = release[j]; holder = j + 1
    };
#ifndef NO_DRAIN
    do  /* Sentence 4: wait for every intent, the lowest first; any order ends the same. */
    :: atomic { !IS_OURS || IS_OVERTAKEN -> STAND }
    :: atomic { IS_OURS && !IS_OVERTAKEN && intents == 0 -> break }
    DROP_ALL(0)
    DROP_ALL(1)
    DROP_ALL(2)
#if JOBS > 2
    DROP_ALL(3)
#endif
    od;
#endif
    atomic {  /* Listing the candidates raises the fence. */
      if
      :: FENCE > 0 && fence > mine -> STAND
      :: else -> if :: FENCE > 0 -> fence = mine :: else fi
      fi
    };
    STEP(FLEET, roll,
         (place[0] == release[j] && place[1] == release[j]),
         (place[0] > release[j] || place[1] > release[j]), promote);
    STEP(POINTER, promote, (place[2] == release[j]), (place[2] > release[j]), finish);
finish:  /* Sentence 9: the hold is cleared, open intents stay. */
    atomic { if :: IS_OURS -> holder = 0 :: else fi };
done:
    atomic { ended[j] = 1; mine = 0; claims = 0; attempt[0] = 0; attempt[1] = 0; is_unanswered = 0 }
  } unless { dead[j] }
}

/* One request reaches one place, or vanishes when nobody waits for it any more. */
#define LAND(j, r, a) \
  :: atomic { \
       flights & BIT(TO_PLACE(j, r, a)) -> \
         flights = flights & ~BIT(TO_PLACE(j, r, a)); \
         if \
         :: FENCE == 2 && r < 2 && sent_epoch[j] < fence -> \
              CAN_HAPPEN(FENCE_REFUSES, true) \
         :: else -> \
              CAN_HAPPEN(LANDS_AFTER_DEATH, dead[j]); \
              assert(place[r] <= release[j] || !IS_CHECKED(r)); \
              place[r] = release[j] \
         fi \
     } \
  :: atomic { \
       (flights & BIT(TO_PLACE(j, r, a))) \
         && (dead[j] || (gone & BIT(REQUEST(j, r / 2, a)))) -> \
         flights = flights & ~BIT(TO_PLACE(j, r, a)) \
     }
#ifdef TENANTS_ONLY
#define IS_CHECKED(r) (r < 2)
#else
#define IS_CHECKED(r) true
#endif

#define LAND_ALL(j) \
  LAND(j, 0, 0) LAND(j, 0, 1) LAND(j, 1, 0) LAND(j, 1, 1) LAND(j, 2, 0) LAND(j, 2, 1)

#define MAY_DIE(j) \
  :: atomic { crashes > 0 && !healing && !ended[j] -> crashes--; dead[j] = 1 }

proctype World() {
end:
  do
  LAND_ALL(0)
  LAND_ALL(1)
  LAND_ALL(2)
#if JOBS > 2
  LAND_ALL(3)
#endif
  MAY_DIE(0)
  MAY_DIE(1)
#if JOBS > 2
  MAY_DIE(2)
#endif
  od
}

#define IS_OVER(j) (ended[j] || dead[j])

init {
  atomic {
    release[0] = 1; release[1] = 2;
#if JOBS > 2
    release[2] = THIRD;
#endif
    release[HEALER] = NEWEST;
    run World();
    run Job(0); run Job(1);
#if JOBS > 2
    run Job(2);
#endif
    run Job(HEALER)
  };
  /* Faults end, and one fresh job of the newest release has to bring everything onto it. */
  atomic { IS_OVER(0) && IS_OVER(1) && IS_OVER(JOBS - 1) -> healing = 1 };
  atomic {
    ended[HEALER] && flights == 0 ->
      assert(place[0] == NEWEST && place[1] == NEWEST);
      assert(place[2] == NEWEST || !IS_CHECKED(2))
  }
}
