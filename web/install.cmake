# cmake -DNPM=... -DDIR=web -P install.cmake: `npm ci` when node_modules is missing or the lock file
# changed since.  One at a time, as several build folders share the sources.
file(LOCK ${DIR}/.install.lock GUARD PROCESS TIMEOUT 600)
set(mark ${DIR}/node_modules/.installed-lock.json)
if(EXISTS ${mark})
  file(SHA256 ${mark} have)
  file(SHA256 ${DIR}/package-lock.json want)
  if(have STREQUAL want)
    return()
  endif()
endif()
message(STATUS "web: npm ci")
execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
  WORKING_DIRECTORY ${DIR} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "web: npm ci failed (${failed}); configure with -DRTSEC_WEB=OFF to build without the web UI")
endif()
file(COPY_FILE ${DIR}/package-lock.json ${mark})
