#include "base/private_file.h"

#include <sys/stat.h>
#include <unistd.h>

bool private_file_is_exposed(FILE *file)
{
    struct stat status;
    return fstat(fileno(file), &status) != 0 ||
           (status.st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)) != 0 ||
           (status.st_uid != geteuid() && status.st_uid != 0 && geteuid() != 0);
}
