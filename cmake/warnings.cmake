# The warnings of docs/../CONTRIBUTING.md, for our own code only; hardening in release.
set(RTSEC_WARNINGS -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
  -Wvla -Wcast-qual -Wundef -Wformat=2 -Werror)
if(RTSEC_SANITIZE)
  add_compile_options(-fsanitize=${RTSEC_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${RTSEC_SANITIZE})
  if(RTSEC_SANITIZE MATCHES thread)
    add_compile_options(-Wno-tsan) # it does not know the ring's fence, which has no thread on the other side
  endif()
endif()
if(RTSEC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link) # so that libFuzzer sees the branches of the libraries
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-g -fstack-protector-strong -D_FORTIFY_SOURCE=2)
  add_link_options(-pie -Wl,-z,relro,-z,now)
endif()

# rtsec_own(TARGET): this target holds our own code.
function(rtsec_own target)
  target_compile_options(${target} PRIVATE ${RTSEC_WARNINGS})
endfunction()
